//! The README's first message, as a newcomer types it.

use std::process::Output;

use tests::Gateway;
use tokio::process::Command;

/// The commands under this heading.
fn commands(heading: &str) -> String {
    let readme =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).expect("README");
    let section = readme.split(&format!("## {heading}\n")).nth(1).expect("the section");
    section.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("commands").to_owned()
}

async fn typed(gateway: &Gateway) -> Output {
    let commands = commands("A first message")
        .replace("http://127.0.0.1:8080", &format!("http://127.0.0.1:{}", gateway.port))
        .replace(".kurir/", &format!("{}/", gateway.data_dir().display()));
    Command::new("bash").args(["-c", &commands]).output().await.expect("bash runs")
}

#[tokio::test]
async fn the_readmes_first_message_arrives_and_every_answer_has_a_line_of_its_own() {
    let gateway = Gateway::start().await;
    let output = typed(&gateway).await;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.lines().last().is_some_and(|line| line.contains("\"Hello\"")), "{output:?}");
    let whole = said.lines().filter(|line| line.starts_with('{') && line.ends_with('}'));
    assert_eq!(whole.count(), said.lines().count(), "{said}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[tokio::test]
async fn a_missing_key_is_said() {
    let gateway = Gateway::start().await;
    std::fs::rename(gateway.data_dir().join("credentials.json"), gateway.data_dir().join("x")).unwrap();
    let output = typed(&gateway).await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("KEY: is empty: the gateway prints an API key at its first start"), "{said}");
}
