//! How long a function takes from its start to its first answer, beside one in Node that does the same; how large it
//! is, and how much memory it takes.

#[path = "../lambda/event.rs"]
#[allow(dead_code)]
mod event;
#[path = "../lambda/runtime_api.rs"]
mod runtime_api;

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use event::Event;
use runtime_api::RuntimeApi;
use tests::{Endpoints, Gateway, programs, signals::resident_kib};
use tokio::{process::Command, time::Instant};

use crate::{
    report::{Table, percentile},
    sizes::Sizes,
};

/// Does one read of DynamoDB for a key that nobody has, and answers 401.
const FUNCTION: &str = "accounts";

const FUNCTIONS: [&str; 10] = [
    "auth",
    "accounts",
    "devices",
    "messages",
    "queries",
    "events",
    "event_log",
    "webhooks",
    "webhook_delivery",
    "scheduler",
];

pub async fn measure(sizes: &Sizes) -> Vec<String> {
    let gateway = Gateway::start_with(&[("KURIR_CONNECTORS", "0")]).await;
    let read = |file: &str| std::fs::read_to_string(gateway.data_dir().join(file)).expect("told");
    let services = Endpoints::of(&gateway);
    let mut settings = services.settings().map(|(name, value)| (name, value.to_owned())).to_vec();
    settings.extend([
        ("KURIR_MASTER_KEY", read("master.key").trim().to_owned()),
        ("TABLE", "kurir-api-keys".to_owned()),
    ]);
    let (folder, profile) = bootstraps();
    let node = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/node");
    let mut table = Table::new(&["", "first answer p50, ms", "p90, ms", "resident, MiB"]);
    let mut medians = Vec::new();
    let ours = [folder.join(FUNCTION).into_os_string()];
    let theirs = ["node".into(), node.join("index.mjs").into_os_string()];
    let has_node = node.join("node_modules").exists();
    for (name, command) in
        [(format!("`{FUNCTION}`, Rust"), &ours[..]), ("Node 20, AWS SDK v3".into(), &theirs)]
    {
        if name.starts_with("Node") && !has_node {
            table.row(&[
                name,
                "not measured: npm ci in tests/bench/node".into(),
                String::new(),
                String::new(),
            ]);
            continue;
        }
        let (mut times, mut memory) = (Vec::new(), Vec::new());
        // The first one reads the files from the disk.
        for round in 0..=sizes.cold_starts {
            let (ms, mib) = once(command, &settings).await;
            if round > 0 {
                times.push(ms);
                memory.push(mib);
            }
        }
        medians.push(percentile(&mut times, 0.5));
        table.row(&[
            name,
            format!("{:.1}", percentile(&mut times, 0.5)),
            format!("{:.1}", percentile(&mut times, 0.9)),
            format!("{:.1}", percentile(&mut memory, 0.5)),
        ]);
    }
    let mut blocks = vec![format!(
        "From the start of the process to its first answer through a stub of Lambda's runtime API, {} starts each after \
         one that does not count, one after another on a machine that does other things, too. Both read one row of the \
         embedded DynamoDB over HTTP without TLS. Profile `{profile}`, x86_64 unless said otherwise.",
        sizes.cold_starts
    )];
    blocks.push(table.text());
    if let [ours, theirs] = medians[..] {
        blocks.push(format!("Node takes {:.0} times as long.", theirs / ours));
    }
    let mut table = Table::new(&["bootstrap, stripped", "MB"]);
    for name in FUNCTIONS {
        if let Ok(file) = std::fs::metadata(folder.join(name)) {
            table.row(&[format!("`{name}`"), format!("{:.1}", file.len() as f64 / 1e6)]);
        }
    }
    blocks.push(table.text());
    blocks
}

/// Milliseconds to the first answer, and MiB resident then.
async fn once(command: &[std::ffi::OsString], settings: &[(&str, String)]) -> (f64, f64) {
    let api = RuntimeApi::start().await;
    let event = Event::get("/v1/me").header("x-api-key", "kur_0000000000000000000000000000000000000000000");
    let payload = event.payload();
    let began = Instant::now();
    let mut child = Command::new(&command[0])
        .args(&command[1..])
        .env_clear()
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .envs([
            ("AWS_REGION", "us-east-1"),
            ("AWS_LAMBDA_FUNCTION_NAME", FUNCTION),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ("AWS_LAMBDA_RUNTIME_API", &api.address),
            ("PATH", &std::env::var("PATH").unwrap_or_default()),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    let answer = tokio::select! {
        answer = api.invoke(payload) => answer,
        ended = child.wait() => panic!("{command:?} ended: {ended:?}"),
    };
    let took = began.elapsed().as_secs_f64() * 1000.0;
    assert_eq!(answer["statusCode"], 401, "{answer}");
    let resident = resident_kib(child.id().expect("it is running"));
    child.kill().await.expect("it can be killed");
    (took, f64::from(u32::try_from(resident).unwrap_or(u32::MAX)) / 1024.0)
}

/// Where the functions are: as they are deployed when `infra/package x86_64` has made them, else as they were built
/// for this run.
fn bootstraps() -> (PathBuf, &'static str) {
    let folder = programs();
    let target = folder.parent().expect("the target folder");
    let machine = if cfg!(target_arch = "aarch64") { "aarch64" } else { "x86_64" };
    let packed = target.join(format!("{machine}-unknown-linux-gnu/lambda"));
    if packed.join(FUNCTION).exists() { (packed, "lambda") } else { (folder, "of this run") }
}
