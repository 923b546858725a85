//! Checks signatures with programs by others.

use std::{collections::BTreeMap, path::Path, process::Stdio};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tests::Call;
use tokio::{io::AsyncWriteExt, process::Command};

/// What the verifier says.
#[derive(Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The Standard Webhooks library: `verified`, or why not.
    pub standard: String,
    /// Whether a plain HMAC-SHA256 of the body under the secret's text is the one in `X-Hub-Signature-256`.
    pub hub: bool,
}

impl Verdict {
    /// Both agree.
    pub fn good() -> Self {
        Self { standard: "verified".into(), hub: true }
    }
}

/// Asks the verifier about a call.
pub async fn verify(secret: &Value, call: &Call) -> Verdict {
    verify_body(secret, call, &call.body).await
}

/// The same with another body.
pub async fn verify_body(secret: &Value, call: &Call, body: &[u8]) -> Verdict {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("webhooks");
    assert!(folder.join("node_modules").exists(), "run tests/run, which installs what {folder:?} needs");
    let headers: BTreeMap<&str, &str> =
        call.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    let input = json!({"secret": secret, "headers": headers, "body": STANDARD.encode(body)});
    let mut child = Command::new("node")
        .arg("verify.mjs")
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("node runs");
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.to_string().as_bytes()).await.unwrap();
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    let verdict: Value = serde_json::from_slice(&output.stdout).expect("a verdict");
    Verdict {
        standard: verdict["standard"].as_str().unwrap().to_owned(),
        hub: verdict["hub"].as_bool().unwrap(),
    }
}
