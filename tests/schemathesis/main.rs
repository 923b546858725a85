//! Schemathesis, which reads the API's description and tries what it allows and what it does not: no 5xx, no
//! undocumented status, no answer of another form than described. Bounded in examples and in time.

use std::{path::Path, time::Duration};

use tests::Gateway;
use tokio::process::Command;

/// Far more than it takes.
const BUDGET: Duration = Duration::from_secs(420);

async fn run(gateway: &Gateway, key: &str) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = here.join("schemathesis/.venv/bin/schemathesis");
    assert!(
        program.exists(),
        "schemathesis is not installed: run tests/run, which does so in tests/schemathesis"
    );
    let folder = tempfile::tempdir().unwrap();
    let run = Command::new(program)
        .args(["run", &format!("http://127.0.0.1:{}/v1/openapi.json", gateway.port)])
        .args(["--header", &format!("X-API-Key: {key}")])
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", "15", "--generation-deterministic"])
        .args(["--checks", "not_a_server_error,status_code_conformance"])
        .args(["--checks", "content_type_conformance,response_schema_conformance"])
        // A stream does not end, and schemathesis would wait for it.
        .args(["--exclude-path", "/v1/events"])
        .current_dir(&folder)
        .kill_on_drop(true)
        .output();
    let output =
        tokio::time::timeout(BUDGET, run).await.expect("it ends within its budget").expect("it runs");
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{report}");
    // It says so when it found nothing to try.
    let generated = report.lines().find_map(|line| line.trim().split_once(" generated, ")?.0.parse().ok());
    let generated: u32 = generated.unwrap_or_default();
    assert!(generated > 500, "only {generated} cases were tried:\n{report}");
    println!("{generated} cases");
}

#[tokio::test]
async fn an_administrators_calls_are_answered_as_described() {
    let gateway = Gateway::start().await;
    run(&gateway, gateway.secrets()["apiKey"].as_str().unwrap()).await;
    gateway.admin.get("/v1/me").await.expect(200);
}

#[tokio::test]
async fn a_users_calls_are_answered_as_described_also_when_its_quota_is_spent() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let key = ani.post("/v1/api-keys", serde_json::json!({"name": "fuzz"})).await.expect(201).json;
    run(&gateway, key["key"].as_str().unwrap()).await;
    gateway.admin.get("/v1/me").await.expect(200);
}
