//! Mistakes of a deployment: what is wrong stands in the log, with what to do about it.

use std::process::Output;

use axum::{Json, Router, extract::State, http::StatusCode, response::IntoResponse};
use serde_json::{Value, json};
use tests::{Endpoints, Gateway, PATIENCE, eventually, program};
use tokio::{net::TcpListener, process::Command};

use crate::{event::Event, function::Function};

/// A place in AWS's stead that answers everything with one error.
async fn refusing(code: &'static str) -> String {
    async fn refuse(State(code): State<&'static str>) -> impl IntoResponse {
        (StatusCode::BAD_REQUEST, Json(json!({"__type": code, "message": "no"})))
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(refuse).with_state(code)).await });
    url
}

fn master_key() -> String {
    "bm90IGEga2V5LCBub3QgYSBrZXksIG5vdCBhIGtleSE=".into()
}

/// Runs the connector until it gives up.
async fn connector(settings: &[(&str, &str)], arguments: &[&str]) -> Output {
    let run = Command::new(program("connector"))
        .args(arguments)
        .env_clear()
        .envs(settings.iter().copied())
        .kill_on_drop(true)
        .output();
    tokio::time::timeout(PATIENCE, run).await.expect("it gives up").expect("it runs")
}

fn log_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What every function and connector is told; later settings win.
fn settings<'a>(endpoint: &'a str, key: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ACCESS_KEY_ID", "local"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_REGION", "eu-west-1"),
        ("KURIR_MASTER_KEY", key),
    ]
}

#[tokio::test]
async fn a_connector_without_its_tables_and_queues_names_them_and_ends() {
    let gateway = Gateway::start().await;
    let services = Endpoints::of(&gateway);
    let key = std::fs::read_to_string(gateway.data_dir().join("master.key")).unwrap();
    let mut settings = settings("", key.trim());
    settings.extend(services.settings());
    settings.extend([("KURIR_PREFIX", "elsewhere-"), ("KURIR_WA_URL", "ws://127.0.0.1:1/ws/chat")]);
    settings.retain(|(name, _)| *name != "AWS_ENDPOINT_URL");
    let output = connector(&settings, &[]).await;
    assert_eq!(output.status.code(), Some(1), "{}", log_of(&output));
    let log = log_of(&output);
    for name in ["table `elsewhere-leases`", "table `elsewhere-commands`", "queue `elsewhere-sends-0.fifo`"] {
        assert!(log.contains(&format!("there is no {name} in eu-west-1")), "{name}: {log}");
    }
    assert!(log.contains("KURIR_PREFIX") && log.contains("terraform apply"), "{log}");
}

#[tokio::test]
async fn a_connector_that_may_not_do_something_names_action_and_resource() {
    let endpoint = refusing("com.amazon.coral.service#AccessDeniedException").await;
    let key = master_key();
    let output = connector(&settings(&endpoint, &key), &[]).await;
    assert_eq!(output.status.code(), Some(1));
    let log = log_of(&output);
    for words in ["`dynamodb:Query` on `kurir-leases`", "`sqs:GetQueueUrl` on `kurir-commands-0`"] {
        assert!(log.contains(&format!("{words} is not allowed")), "{words}: {log}");
    }
}

#[tokio::test]
async fn a_connector_without_region_or_credentials_or_key_says_which_setting_is_missing() {
    let (endpoint, key) = (refusing("UnrecognizedClientException").await, master_key());
    let all = settings(&endpoint, &key);
    let without =
        |name: &str| all.iter().copied().filter(|(setting, _)| *setting != name).collect::<Vec<_>>();
    for (missing, words) in [
        ("AWS_REGION", "set AWS_REGION"),
        ("KURIR_MASTER_KEY", "KURIR_MASTER_KEY is not set"),
        ("", "AWS does not accept the credentials (UnrecognizedClientException)"),
    ] {
        let mut settings = without(missing);
        // Not the machine's own role, should it have one.
        settings.push(("AWS_EC2_METADATA_DISABLED", "true"));
        let output = connector(&settings, &[]).await;
        assert_eq!(output.status.code(), Some(1), "{missing}");
        assert!(log_of(&output).contains(words), "{missing}: {}", log_of(&output));
    }
    let mut settings = without("AWS_ACCESS_KEY_ID");
    settings.push(("AWS_EC2_METADATA_DISABLED", "true"));
    let output = connector(&settings, &[]).await;
    assert!(log_of(&output).contains("there are no AWS credentials"), "{}", log_of(&output));
}

#[tokio::test]
async fn a_function_without_its_tables_says_so_at_its_first_request() {
    let gateway = Gateway::start_with(&[("KURIR_PREFIX", crate::PREFIX)]).await;
    let mut auth = Function::start_with("auth", &gateway, &[("KURIR_PREFIX", "elsewhere-")]).await;
    let person = json!({"email": "ani@example.com", "password": crate::PASSWORD});
    let refused =
        auth.call(&Event::post("/v1/auth/login", &person)).await.expect_problem(503, "misconfigured");
    assert_eq!(refused.header("retry-after"), "10");
    let log = auth.log();
    assert!(log.contains("there is no table `elsewhere-"), "{log}");

    let mut queries = Function::start_with("queries", &gateway, &[("KURIR_PREFIX", "elsewhere-")]).await;
    let health = queries.call(&Event::get("/v1/health")).await.expect(200).json;
    assert_eq!(health["status"], "degraded");
    assert_eq!(health["dependencies"], json!({"dynamodb": "down", "sqs": "down"}));
    let log = queries.log();
    assert!(log.contains("there is no queue `elsewhere-commands-0`"), "{log}");
}

#[tokio::test]
async fn a_function_that_may_not_do_something_says_so_in_json_with_its_cause() {
    let (endpoint, key) = (refusing("com.amazon.coral.service#AccessDeniedException").await, master_key());
    let mut settings = settings(&endpoint, &key);
    settings.push(("KURIR_LOG_FORMAT", "json"));
    let mut auth = Function::launch("auth", &settings).await;
    let person = json!({"email": "ani@example.com", "password": crate::PASSWORD});
    auth.call(&Event::post("/v1/auth/login", &person)).await.expect_problem(503, "misconfigured");
    let log = auth.log();
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let said = |field: &str, words: &str| {
        lines.iter().any(|line| line["fields"][field].as_str().is_some_and(|text| text.contains(words)))
    };
    assert!(said("message", "is not allowed: the program's role needs it"), "{log}");
    assert!(said("error", "AccessDeniedException"), "{log}");
}

#[tokio::test]
async fn the_scheduler_makes_the_first_administrator() {
    let gateway = Gateway::start_with(&[("KURIR_PREFIX", crate::PREFIX)]).await;
    let named = [("KURIR_ADMIN_EMAIL", "boss@example.com"), ("KURIR_ADMIN_PASSWORD", "a long password")];
    let mut scheduler = Function::start_with("scheduler", &gateway, &named).await;
    scheduler.give(json!({"source": "aws.events"})).await;
    scheduler.give(json!({"source": "aws.events"})).await;
    let login = json!({"email": "boss@example.com", "password": "a long password"});
    let session = gateway.api.post("/v1/auth/login", login).await.expect(200).json;
    assert_eq!(session["account"]["role"], "admin");
    let log = scheduler.log();
    assert_eq!(log.matches("the first administrator was made").count(), 1, "{log}");
    assert!(!log.contains("a long password"), "{log}");
}

#[tokio::test]
async fn a_connector_tells_whether_it_is_well() {
    let gateway = Gateway::start_with(&[("KURIR_PREFIX", crate::PREFIX), ("KURIR_CONNECTORS", "0")]).await;
    let services = Endpoints::of(&gateway);
    let key = std::fs::read_to_string(gateway.data_dir().join("master.key")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("heartbeat");
    let whatsapp = format!("ws://127.0.0.1:{}/ws/chat", gateway.wa_port);
    let mut told = services.settings().to_vec();
    told.extend([
        ("AWS_REGION", "us-east-1"),
        ("KURIR_MASTER_KEY", key.trim()),
        ("KURIR_PREFIX", crate::PREFIX),
        ("KURIR_WA_URL", &whatsapp),
        ("KURIR_LOG_FORMAT", "json"),
        ("KURIR_HEALTH_FILE", file.to_str().unwrap()),
    ]);
    let check = async || connector(&told, &["--healthcheck"]).await.status.code();
    assert_eq!(check().await, Some(1), "nobody runs yet");
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    let mut running = Command::new(program("connector"))
        .env_clear()
        .envs(told.iter().copied())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    eventually("the connector is well", async || (check().await == Some(0)).then_some(())).await;
    assert!(tests::signals::signal(running.id().unwrap(), "TERM").await);
    let ended = tokio::time::timeout(PATIENCE, running.wait()).await.unwrap().unwrap();
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(ended.success(), "{log}");
    assert_eq!(check().await, Some(1), "it has stopped");
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    assert_eq!(lines.filter(|line| line["fields"]["sessions"] == 0).count(), 1, "{log}");
}

#[tokio::test]
async fn a_connector_explains_its_options_and_takes_no_others() {
    let help = connector(&[], &["--help"]).await;
    assert!(help.status.success());
    assert!(String::from_utf8_lossy(&help.stdout).contains("--healthcheck"));
    let version = connector(&[], &["--version"]).await;
    assert!(String::from_utf8_lossy(&version.stdout).contains(env!("CARGO_PKG_VERSION")));
    for arguments in [&["--health"][..], &["serve"], &["--healthcheck", "now"]] {
        let refused = connector(&[], arguments).await;
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}");
        assert!(log_of(&refused).contains("Usage"), "{}", log_of(&refused));
    }
}
