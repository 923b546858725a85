//! The gateway as a process: how it starts, what it says, how it stops.

use std::process::Stdio;

use axum::extract::Request;
use serde_json::json;
use tests::{Endpoints, Gateway, program};
use tokio::process::Command;

#[tokio::test]
async fn the_banner_says_what_a_person_needs_and_its_credentials_work() {
    let gateway = Gateway::start().await;
    let banner = &gateway.banner;
    assert!(banner.contains(&format!("http://127.0.0.1:{}/v1", gateway.port)), "{banner}");
    assert_eq!(banner.matches("curl ").count(), 2, "{banner}");
    assert!(banner.contains(gateway.data_dir().to_str().unwrap()), "{banner}");
    for page in ["/docs", "/sandbox/phones"] {
        assert!(banner.contains(&format!("http://127.0.0.1:{}{page}", gateway.port)), "{banner}");
        gateway.api.get(page).await.expect(200);
    }
    let field = |name: &str| {
        banner
            .lines()
            .find(|l| l.contains(name))
            .and_then(|l| l.split_whitespace().last())
            .unwrap()
            .to_owned()
    };
    let login = json!({"email": field("Admin"), "password": field("Password")});
    let session = gateway.api.post("/v1/auth/login", login).await.expect(200).json;
    assert_eq!(session["account"]["role"], "admin");
    assert_eq!(gateway.admin.get("/v1/me").await.expect(200).json["id"], session["account"]["id"]);

    let (password, key) = (field("Password"), field("API key"));
    let gateway = gateway.kill_and_restart().await;
    let banner = &gateway.banner;
    assert!(!banner.contains(&password) && !banner.contains(&key), "shown once: {banner}");
    assert!(banner.contains(gateway.data_dir().join("credentials.json").to_str().unwrap()), "{banner}");
    assert_eq!(gateway.secrets()["apiKey"], *key);
    // The lines to try work as they stand, also those that fetch the key from the file.
    let tries = banner.lines().skip_while(|line| !line.contains("Try:")).skip(1).take(3);
    let tries: Vec<_> = tries.map(str::trim).collect();
    let answer =
        Command::new("sh").args(["-c", &format!("{}; {}", tries[0], tries[1])]).output().await.unwrap();
    assert!(String::from_utf8_lossy(&answer.stdout).contains("admin@kurir.local"), "{tries:?}: {answer:?}");
}

#[tokio::test]
async fn the_first_administrator_is_who_the_environment_says() {
    let env = [("KURIR_ADMIN_EMAIL", "boss@example.com"), ("KURIR_ADMIN_PASSWORD", "a long password")];
    let gateway = Gateway::start_with(&env).await;
    assert!(!gateway.banner.contains("a long password"));
    let login = json!({"email": "boss@example.com", "password": "a long password"});
    gateway.api.post("/v1/auth/login", login).await.expect(200);
}

#[tokio::test]
async fn sigterm_ends_it_with_zero_and_the_data_is_there_again() {
    let mut gateway = Gateway::start().await;
    let device = gateway.admin.device("kept").await;
    let status = gateway.terminate().await;
    assert_eq!(status.code(), Some(0), "{}", gateway.log());
    let gateway = gateway.again().await;
    let kept = gateway.admin.get(&format!("/v1/devices/{device}")).await.expect(200);
    assert_eq!(kept.json["name"], "kept");
}

#[tokio::test]
async fn fewer_shards_than_devices_lie_in_are_refused_with_their_names() {
    let mut gateway = Gateway::start().await;
    let mut shards = std::collections::BTreeSet::<String>::new();
    while shards.range("shard#1".to_owned()..).next().is_none() {
        gateway.admin.device("somewhere").await;
        let rows = gateway.dump("devices").await;
        shards = rows
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["shardKey"]["S"].as_str().unwrap().into())
            .collect();
    }
    let lost = shards.range("shard#1".to_owned()..).next().unwrap().trim_start_matches("shard#").to_owned();
    assert!(gateway.terminate().await.success());
    let ports = ["--port", "0", "--wa-port", "0"];
    let (started, said) = gateway.run(&ports, &[("KURIR_SHARDS", "1")]).await;
    assert!(!started && said.contains("KURIR_SHARDS is 1"), "{said}");
    assert!(said.contains(&format!("({lost}")) && said.contains("or more"), "{said}");
    // As many as before are fine, and more.
    let gateway = gateway.again_with(&[("KURIR_SHARDS", "6")]).await;
    gateway.admin.get("/v1/devices").await.expect(200);
}

#[tokio::test]
async fn a_port_in_use_and_a_data_folder_in_use_are_clear_errors() {
    let gateway = Gateway::start().await;
    let fails = async |port: u16, wa_port: u16, data: &std::path::Path| {
        let output = Command::new(program("localstack"))
            .args(["--port", &port.to_string(), "--wa-port", &wa_port.to_string(), "--data-dir"])
            .arg(data)
            .env_remove("AWS_ENDPOINT_URL")
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    let other = tempfile::tempdir().unwrap();
    let error = fails(gateway.port, 0, other.path()).await;
    assert!(error.contains(&format!("port {}", gateway.port)) && error.contains("KURIR_PORT"), "{error}");
    let error = fails(0, gateway.wa_port, other.path()).await;
    assert!(
        error.contains(&format!("port {}", gateway.wa_port)) && error.contains("KURIR_WA_PORT"),
        "{error}"
    );
    let error = fails(0, 0, &gateway.data_dir()).await;
    assert!(error.contains("another Kurir uses the data folder"), "{error}");
}

/// What a start with these variables and these flags ends with.
async fn refusal(env: &[(&str, &str)], flags: &[&str], data: &std::path::Path) -> String {
    let output = Command::new(program("localstack"))
        .args(flags)
        .arg("--data-dir")
        .arg(data)
        .env_remove("AWS_ENDPOINT_URL")
        .envs(env.iter().copied())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(tests::PATIENCE, output).await.expect("it gives up").unwrap();
    assert!(!output.status.success(), "{env:?} {flags:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn a_setting_that_is_none_of_what_it_may_be_is_refused_by_its_name() {
    let data = tempfile::tempdir().unwrap();
    for (name, value, allowed) in [
        ("KURIR_PORT", "abc", "a number from 0 to 65535"),
        ("KURIR_WA_PORT", "70000", "a number from 0 to 65535"),
        ("KURIR_MAX_CONNECTIONS", "0", "a number from 1 to 65535"),
        ("KURIR_CONNECTORS", "101", "a number from 0 to 100"),
        ("KURIR_RESTART_CONNECTORS", "sometimes", "`1`"),
        ("KURIR_RESET", "flase", "`1`"),
        ("KURIR_CORS_ORIGINS", "foo", "https://app.example.com"),
        ("KURIR_IP_ALLOW", "10.0.0.0/8,home", "10.0.0.0/8"),
        ("KURIR_LOG", "x=y=z", "a filter like"),
        ("KURIR_LOG_FORMAT", "xml", "`json`"),
        ("KURIR_PREFIX", "a b", "a-z"),
        ("KURIR_SHARDS", "many", "from 1 to 1024"),
        ("KURIR_REGISTRATION", "perhaps", "`closed`"),
        ("KURIR_ALLOW_HTTP_URLS", "yes", "`1`"),
        ("KURIR_WEBHOOK_RETRY_SCALE", "2", "at most 1"),
        ("KURIR_WA_VERSION", "2.3000.x", "2.3000."),
        ("KURIR_QR_ROUNDS", "0", "from 1 to 100"),
    ] {
        let ports = ["--port", "0", "--wa-port", "0"];
        // A flag would go before its variable.
        let flags = if name.ends_with("_PORT") { &[][..] } else { &ports[..] };
        let said = refusal(&[(name, value)], flags, data.path()).await;
        let named = said.contains(name) && said.contains(allowed) && said.contains('`');
        assert!(named && said.lines().count() == 1, "{name}: {said}");
        assert!(!said.contains("because"), "{said}");
    }
    let said = refusal(&[], &["--port", "abc"], data.path()).await;
    assert!(said.contains("--port") && !said.contains("KURIR_PORT must"), "{said}");
}

#[tokio::test]
async fn a_misspelt_wish_to_reset_erases_nothing() {
    let mut gateway = Gateway::start().await;
    gateway.admin.device("kept").await;
    assert!(gateway.terminate().await.success());
    let ports = ["--port", "0", "--wa-port", "0"];
    let said = refusal(&[("KURIR_RESET", "flase")], &ports, &gateway.data_dir()).await;
    assert!(said.contains("KURIR_RESET"), "{said}");
    let gateway = gateway.again().await;
    assert_eq!(gateway.admin.get("/v1/devices").await.expect(200).json["items"][0]["name"], "kept");
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_named_with_what_to_do() {
    let mut gateway = Gateway::start().await;
    assert!(gateway.terminate().await.success());
    let path = |name: &str| gateway.data_dir().join(name);
    let spoilt = async |name: &str, content: &[u8]| {
        let good = std::fs::read(path(name)).unwrap();
        std::fs::write(path(name), content).unwrap();
        let said = refusal(&[], &["--port", "0", "--wa-port", "0"], &gateway.data_dir()).await;
        std::fs::write(path(name), good).unwrap();
        assert!(said.contains(path(name).to_str().unwrap()), "{said}");
        said
    };
    for name in ["dynamodb.sqlite", "queues.sqlite", "whatsapp/whatsapp.sqlite3"] {
        let said = spoilt(name, &[7; 8192]).await;
        assert!(said.contains("is damaged") && said.contains("backup") && said.contains("--reset"), "{said}");
        assert!(!said.to_lowercase().contains("sqlite error") && said.lines().count() == 1, "{said}");
    }
    let said = spoilt("credentials.json", b"{").await;
    assert!(said.contains("is damaged") && said.contains("delete it") && !said.contains("--reset"), "{said}");
    let said = spoilt("master.key", b"short").await;
    assert!(said.contains("put the right key back"), "{said}");
    let gateway = gateway.again().await;
    gateway.admin.get("/v1/me").await.expect(200);
}

#[tokio::test]
async fn help_names_the_command_that_a_person_types() {
    let output = Command::new(program("localstack")).arg("--help").output().await.unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("Usage: cargo sandbox [OPTIONS]"), "{help}");
    assert!(!help.contains("localstack"), "{help}");
}

#[tokio::test]
async fn reset_forgets_everything_but_what_is_not_kurirs() {
    let mut gateway = Gateway::start().await;
    let phone = gateway.phone("+6281234567890", "Ani").await;
    gateway.admin.device("old").await;
    let foreign = gateway.data_dir().join("mine.txt");
    std::fs::write(&foreign, "keep me").unwrap();
    let old_key = gateway.secrets();
    gateway.kill().await;
    let gateway = gateway.again_with(&[("KURIR_RESET", "1")]).await;
    assert_ne!(gateway.secrets(), old_key);
    assert_eq!(gateway.admin.get("/v1/devices").await.expect(200).json["items"], json!([]));
    gateway.api.get(&format!("/sandbox/phones/{}", phone.number)).await.expect(404);
    assert_eq!(std::fs::read_to_string(foreign).unwrap(), "keep me");
}

/// One endpoint in front of another gateway's embedded pair, as LocalStack has one for all services.
async fn one_endpoint(gateway: &Gateway) -> String {
    let services = Endpoints::of(gateway);
    let forward = async move |request: Request| {
        let target = request.headers()["x-amz-target"].to_str().unwrap().to_owned();
        let url = if target.starts_with("DynamoDB_") { &services.dynamodb } else { &services.sqs };
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let mut headers = parts.headers;
        headers.remove("host");
        headers.insert("authorization", Endpoints::signature(&services.key).parse().unwrap());
        let answer = tests::http_client().post(url).headers(headers).body(body).send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        (status, headers, answer.bytes().await.unwrap())
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(forward)).await });
    url
}

#[tokio::test]
async fn with_an_aws_endpoint_nothing_is_embedded_and_the_store_is_there() {
    let store = Gateway::start().await;
    let endpoint = one_endpoint(&store).await;
    let key = std::fs::read_to_string(store.data_dir().join("master.key")).unwrap();
    let env = [("AWS_ENDPOINT_URL", endpoint.as_str()), ("KURIR_MASTER_KEY", key.trim())];
    let gateway = Gateway::start_with(&env).await;
    assert!(gateway.banner.contains(&endpoint), "{}", gateway.banner);
    assert!(!gateway.data_dir().join("dynamodb.sqlite").exists());
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let device = ani.device("shared").await;
    let login = json!({"email": "ani@example.com", "password": "correct horse"});
    let session = store.api.post("/v1/auth/login", login).await.expect(200).json;
    let there = store.api.with_token(session["accessToken"].as_str().unwrap());
    assert_eq!(there.get(&format!("/v1/devices/{device}")).await.expect(200).json["name"], "shared");
}

#[tokio::test]
async fn an_aws_endpoint_where_nobody_listens_is_a_clear_error() {
    let unused = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = Gateway::fails_to_start(&[("AWS_ENDPOINT_URL", &format!("http://{unused}"))]).await;
    assert!(error.contains("DynamoDB is not available") && error.contains(&unused.to_string()), "{error}");
}

#[tokio::test]
async fn a_lost_or_a_foreign_master_key_is_told_and_nothing_is_touched() {
    let mut gateway = Gateway::start().await;
    let receiver = tests::Receiver::start().await;
    let webhook = gateway.admin.webhook(&receiver.url, &["*"]).await;
    gateway.terminate().await;
    let file = gateway.data_dir().join("master.key");
    let key = std::fs::read_to_string(&file).unwrap();

    std::fs::remove_file(&file).unwrap();
    let error = gateway.fails_to_start_again(&[]).await;
    for part in [file.to_str().unwrap(), "put the key back", "KURIR_MASTER_KEY", "--reset"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(!file.exists(), "no new key was made up");

    let foreign = shared::crypto::MasterKey::generate().to_base64();
    let error = gateway.fails_to_start_again(&[("KURIR_MASTER_KEY", foreign.expose())]).await;
    for part in ["not the one that the stored data were sealed with", "KURIR_MASTER_KEY", "--reset"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    std::fs::write(&file, foreign.expose()).unwrap();
    let error = gateway.fails_to_start_again(&[]).await;
    assert!(error.contains(file.to_str().unwrap()) && error.contains("--reset"), "{error}");

    std::fs::write(&file, key).unwrap();
    let gateway = gateway.again().await;
    let path = format!("/v1/webhooks/{}/test", webhook["id"].as_str().unwrap());
    gateway.admin.call(&path).await;
    assert_eq!(receiver.gets(1).await.len(), 1, "its secret opens, and everything goes on");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_connector_and_the_stand_ins_have_threads_of_their_own() {
    let gateway = Gateway::start().await;
    let threads = std::fs::read_dir(format!("/proc/{}/task", gateway.pid())).unwrap();
    let names = threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("comm")).ok());
    let names: Vec<String> = names.map(|name| name.trim().to_owned()).collect();
    for name in ["gateway", "connector", "stand-ins"] {
        assert!(names.iter().any(|found| found == name), "{name}: {names:?}");
    }
}
