//! Another user of the machine: reaches its loopback ports and whatever files are not closed to others.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use reqwest::Method;
use serde_json::{Value, json};
use shared::crypto::token_hash;
use tests::{Answer, Api, Endpoints, Gateway, eventually, within};

/// A request to an embedded service, signed under some key, or not at all.
async fn ask(endpoint: &str, key: Option<&str>, target: &str, body: &Value) -> Answer {
    let api = Api::new(endpoint);
    let request = api.request(Method::POST, "/").header("x-amz-target", target).body(body.to_string());
    let request = request.header("content-type", "application/x-amz-json-1.0");
    api.send(match key {
        Some(key) => request.header("authorization", Endpoints::signature(key)),
        None => request,
    })
    .await
}

#[tokio::test]
async fn the_embedded_services_answer_only_to_the_key_of_this_start() {
    let gateway = Gateway::start().await;
    let services = Endpoints::of(&gateway);
    let accounts = json!({"TableName": "kurir-accounts"});
    let forged = "kur_forged000000000000000000000000000000000000";
    let row = gateway.first_row("api-keys").await;
    let mut own = row.clone();
    own["keyHash"] = json!({"S": token_hash(forged)});
    let planted = json!({"TableName": "kurir-api-keys", "Item": own});
    let queues = json!({"QueueNamePrefix": "kurir-"});
    let almost = format!("{}x", &services.key[..services.key.len() - 1]);
    for key in [None, Some("local"), Some(""), Some(almost.as_str())] {
        for (endpoint, target, body) in [
            (&services.dynamodb, "DynamoDB_20120810.Scan", &accounts),
            (&services.dynamodb, "DynamoDB_20120810.PutItem", &planted),
            (&services.sqs, "AmazonSQS.ListQueues", &queues),
        ] {
            let answer = ask(endpoint, key, target, body).await.expect(403);
            assert_eq!(answer.json["__type"], "UnrecognizedClientException", "{key:?} {target}");
        }
    }
    gateway.api.with_key(forged).get("/v1/me").await.expect(401);
    // The attack itself is sound: with the key, it goes through.
    ask(&services.dynamodb, Some(&services.key), "DynamoDB_20120810.PutItem", &planted).await.expect(200);
    gateway.api.with_key(forged).get("/v1/me").await.expect(200);

    let gateway = gateway.kill_and_restart().await;
    let now = Endpoints::of(&gateway);
    ask(&now.dynamodb, Some(&services.key), "DynamoDB_20120810.Scan", &accounts).await.expect(403);
    ask(&now.dynamodb, Some(&now.key), "DynamoDB_20120810.Scan", &accounts).await.expect(200);
}

/// Every file and folder below one, and itself.
fn all(path: &Path) -> Vec<PathBuf> {
    let below = std::fs::read_dir(path).into_iter().flatten().flatten();
    below.flat_map(|entry| all(&entry.path())).chain([path.to_owned()]).collect()
}

#[tokio::test]
async fn the_data_folder_is_closed_to_others_and_closed_again_when_somebody_opened_it() {
    let mut gateway = Gateway::start().await;
    gateway.phone("6281234567890", "Ani").await;
    let folder = gateway.data_dir();
    let open = || {
        let mode = |path: &Path| std::fs::metadata(path).map_or(0, |meta| meta.permissions().mode());
        all(&folder).into_iter().filter(|path| mode(path) & 0o077 != 0).collect::<Vec<_>>()
    };
    assert_eq!(open(), Vec::<PathBuf>::new());
    gateway.kill().await;
    for path in all(&folder) {
        let mode = if path.is_dir() { 0o755 } else { 0o644 };
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }
    assert!(open().len() > 5);
    let gateway = gateway.again().await;
    gateway.admin.get("/v1/me").await.expect(200);
    // The lock is empty and opens nothing.
    let left: Vec<_> = open().into_iter().filter(|path| !path.ends_with("lock")).collect();
    assert_eq!(left, Vec::<PathBuf>::new());
}

#[tokio::test]
async fn nothing_of_an_erased_tenant_is_left_in_the_files() {
    const MARKER: &str = "marker-7c1f";
    let gateway = Gateway::start().await;
    let (own, other) =
        (gateway.phone("6281100000001", "Ani").await, gateway.phone("6281100000002", "Budi").await);
    let (ani, session) = gateway.api.register(&format!("{MARKER}@example.com")).await;
    gateway.admin.plan(&session["account"], "pro").await;
    let device = ani.device(&format!("{MARKER} device")).await;
    own.scan(&ani.qr(&device).await).await;
    ani.device_becomes(&device, "connected").await;
    // Enough to spread over pages, and to have some of them rewritten.
    for number in 0..40 {
        other.send_text("6281100000001", &format!("{MARKER}-{number} {}", "x".repeat(2_000))).await;
    }
    ani.receives(&device, "6281100000002", &format!("{MARKER}-39 {}", "x".repeat(2_000))).await;
    let waiting = ani.device(&format!("{MARKER} waiting")).await;
    for number in 0..40 {
        ani.send_text(&waiting, "+6281100000002", &format!("{MARKER}-{number} {}", "x".repeat(2_000))).await;
    }
    ani.webhook(&format!("https://{MARKER}.example.com/"), &["*"]).await;
    // What phones of the sandbox keep is theirs, as with real ones.
    let holds = || {
        let files = all(&gateway.data_dir()).into_iter().filter(|path| path.is_file());
        let files = files.filter(|path| !path.parent().is_some_and(|folder| folder.ends_with("whatsapp")));
        let found = |path: &PathBuf| {
            let bytes = std::fs::read(path).unwrap_or_default();
            bytes.windows(MARKER.len()).any(|at| at == MARKER.as_bytes())
        };
        files.filter(found).collect::<Vec<_>>()
    };
    assert!(!holds().is_empty(), "the search finds what is there");

    let tenant = tests::Api::tenant_path(&session["account"]);
    gateway.admin.delete(&tenant).await.expect(202);
    let path = format!("{tenant}/erasure");
    eventually("the erasure is done", async || {
        let answer = gateway.admin.get(&path).await;
        (answer.json["status"] == "done").then_some(())
    })
    .await;
    let bound = Duration::from_secs(120);
    within(bound, "no file holds anything of it", async || holds().is_empty().then_some(())).await;
}
