//! The API's description: `docs/openapi.json` is the committed copy of what the gateway serves.

use std::{collections::BTreeSet, path::Path};

use functions::surface::V1;
use serde_json::Value;
use shared::services::ErrorCode;
use tests::{Gateway, operation};
use tokio::process::Command;

/// Where the copy is.
fn copy() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json")
}

#[tokio::test]
async fn the_committed_copy_is_what_the_gateway_serves() {
    let gateway = Gateway::start().await;
    let served = gateway.api.get("/v1/openapi.json").await.expect(200).json;
    let pretty = serde_json::to_string_pretty(&served).unwrap() + "\n";
    if std::env::var_os("KURIR_WRITE_OPENAPI").is_some() {
        std::fs::write(copy(), &pretty).unwrap();
    }
    let committed = std::fs::read_to_string(copy()).unwrap_or_default();
    assert!(
        committed == pretty,
        "docs/openapi.json is out of date: run KURIR_WRITE_OPENAPI=1 tests/run --test http description"
    );
    assert!(served["openapi"].as_str().unwrap().starts_with("3.1"));
}

#[tokio::test]
async fn every_route_is_described_under_its_own_path() {
    let gateway = Gateway::start().await;
    let served = gateway.api.get("/v1/openapi.json").await.expect(200).json;
    for route in functions::routes::all() {
        let described = &served["paths"][&route.path][route.method.as_str().to_lowercase()];
        // The pages beside the API are for people.
        let of_api = V1.has(&route.path);
        assert_eq!(described.is_object(), of_api, "{} {}", route.method, route.path);
        if of_api {
            assert!(described["summary"].is_string(), "{} has no summary", route.path);
            let protected = route.rule.access != functions::route::Access::Public;
            let schemes = described["security"].as_array().expect("a list").len();
            assert_eq!(schemes > 0, protected, "{}", route.path);
        }
    }
    let text = served.to_string();
    for name in text.split("#/components/schemas/").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(served["components"]["schemas"][name].is_object(), "the schema {name} is missing");
    }
}

#[test]
fn every_operation_has_a_name_of_its_own_that_says_what_it_does() {
    const VERBS: [&str; 25] = [
        "accept",
        "cancel",
        "change",
        "clear",
        "connect",
        "create",
        "delete",
        "disconnect",
        "drain",
        "get",
        "list",
        "log",
        "pause",
        "redeliver",
        "redrive",
        "refresh",
        "register",
        "replay",
        "request",
        "resume",
        "revoke",
        "rotate",
        "send",
        "stream",
        "test",
    ];
    let mut seen = BTreeSet::new();
    for route in functions::routes::all().iter().filter(|route| V1.has(&route.path)) {
        let id = operation(route)["operationId"].as_str().expect("an id");
        let verb = id.split(|c: char| !c.is_ascii_lowercase()).next().unwrap_or_default();
        assert!(VERBS.contains(&verb), "{id} of {} {} does not begin with a verb", route.method, route.path);
        assert!(id.chars().all(|c| c.is_ascii_alphabetic()), "{id}");
        assert!(seen.insert(id), "{id} names two operations");
    }
}

/// Redocly's linter, which is by others, with the rules that it recommends.
#[tokio::test]
async fn others_find_nothing_to_object_to_in_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("redocly");
    assert!(folder.join("node_modules").exists(), "run tests/run, which installs what {folder:?} needs");
    let linter = Command::new("node")
        .args(["node_modules/@redocly/cli/bin/cli.js", "lint", "--format=json"])
        .arg(copy())
        .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true")
        .current_dir(folder)
        .output();
    let output = linter.await.expect("node runs");
    let report = String::from_utf8_lossy(&output.stdout);
    let found: Value = serde_json::from_str(&report).expect("a report");
    assert!(found["problems"].as_array().is_some_and(Vec::is_empty), "{report}");
}

#[test]
fn the_table_of_codes_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/api.md");
    let text = std::fs::read_to_string(path).unwrap();
    let table = text.split_once("| status | codes |").expect("a table of codes").1.trim_start();
    let mut told = BTreeSet::new();
    for row in table.lines().skip(1).take_while(|line| line.starts_with('|')) {
        let (status, words) = row[1..].split_once('|').expect("two columns");
        let status: u16 = status.trim().parse().expect("a status");
        let is_code = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        told.extend(words.split('`').skip(1).step_by(2).filter(is_code).map(|code| (status, code)));
    }
    let known: BTreeSet<_> =
        ErrorCode::ALL.iter().map(|code| (code.status().as_u16(), code.as_str())).collect();
    assert_eq!(told, known);
}

#[tokio::test]
async fn people_read_it_as_a_page_to_which_the_gateways_address_leads() {
    let gateway = Gateway::start().await;
    let root = gateway.api.get("/").await.expect(303);
    assert_eq!(root.header("location"), "/docs");
    let page = gateway.api.get("/docs").await.expect(200);
    assert!(page.header("content-type").starts_with("text/html"));
    let html = String::from_utf8(page.bytes).unwrap();
    assert!(html.contains("/v1/devices/{id}/pairing-code") && html.contains("Accepts a message to be sent"));
    assert!(!html.contains("<script"));
}
