//! `/v1/webhooks`

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tests::Gateway;

/// Where a webhook is.
fn path(webhook: &Value) -> String {
    format!("/v1/webhooks/{}", webhook["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_webhook_is_made_read_changed_listed_and_deleted() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let device = ani.device("shop").await;
    let body = json!({
        "url": "https://example.com/hook?x=1", "events": ["message.*", "device.status"],
        "deviceIds": [device], "headers": {"X-Shop": "7"},
    });
    let made = ani.post("/v1/webhooks", body).await.expect(201);
    assert_eq!(made.header("location"), path(&made.json));
    let mut webhook = made.json;
    let secret = webhook["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_") && secret.len() == 50, "{secret}");
    assert!(webhook["id"].as_str().unwrap().starts_with("whk_"));
    assert_eq!((&webhook["url"], &webhook["active"]), (&json!("https://example.com/hook?x=1"), &json!(true)));
    assert_eq!((&webhook["deviceIds"], &webhook["headers"]), (&json!([device]), &json!({"X-Shop": "7"})));

    // The secret was shown once.
    webhook.as_object_mut().unwrap().remove("secret");
    assert_eq!(ani.get(&path(&webhook)).await.expect(200).json, webhook);
    let listed = ani.get("/v1/webhooks").await.expect(200).json;
    assert_eq!(listed, json!({"items": [webhook], "nextCursor": null}));

    let change = json!({"events": ["*"], "deviceIds": [], "headers": {}, "active": false});
    let changed = ani.patch(&path(&webhook), change).await.expect(200).json;
    let seen = ["url", "events", "deviceIds", "headers", "active"].map(|name| changed[name].clone());
    assert_eq!(json!(seen), json!(["https://example.com/hook?x=1", ["*"], [], {}, false]));
    assert!(changed["updatedAt"].as_str() > changed["createdAt"].as_str());
    assert!(changed.get("secret").is_none());
    let call = ani.call(&format!("{}/test", path(&webhook))).await;
    call.expect_problem(409, "webhook_inactive");

    let rotated = ani.call(&format!("{}/rotate-secret", path(&webhook))).await.expect(200).json;
    assert!(rotated["secret"].as_str().is_some_and(|text| text.starts_with("whsec_") && text != secret));
    ani.delete(&path(&webhook)).await.expect(204);
    ani.get(&path(&webhook)).await.expect_problem(404, "not_found");
    ani.patch(&path(&webhook), json!({"active": true})).await.expect_problem(404, "not_found");
    let rotate = format!("{}/rotate-secret", path(&webhook));
    ani.call(&rotate).await.expect_problem(404, "not_found");
    assert_eq!(ani.get("/v1/webhooks").await.json["items"], json!([]));
}

#[tokio::test]
async fn addresses_that_lead_inside_are_refused_with_the_field_and_a_reason() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    for (url, code) in [
        ("http://example.com/", "scheme_forbidden"),
        ("ftp://example.com/", "scheme_forbidden"),
        ("https://ani:secret@example.com/", "credentials_in_url"),
        ("https://example.com:25/", "port_forbidden"),
        ("https://10.0.0.1/", "address_forbidden"),
        ("https://192.168.1.1/", "address_forbidden"),
        ("https://169.254.169.254/latest/meta-data/", "address_forbidden"),
        ("https://0xA9FEA9FE/", "address_forbidden"),
        ("https://2852039166/", "address_forbidden"),
        ("https://[fd00:ec2::254]/", "address_forbidden"),
        ("https://[::ffff:10.0.0.1]/", "address_forbidden"),
        ("https://[64:ff9b::a9fe:a9fe]/", "address_forbidden"),
        ("https://0.0.0.0/", "address_forbidden"),
        ("https://100.100.100.200/", "address_forbidden"),
        ("not a url", "url_invalid"),
        ("", "url_invalid"),
    ] {
        let body = json!({"url": url, "events": ["*"]});
        let refused = ani.post("/v1/webhooks", body).await.expect_problem(422, "validation_failed");
        refused.naming("url", code);
    }
    let webhook = ani.webhook("https://example.com/", &["*"]).await;
    let change = ani.patch(&path(&webhook), json!({"url": "https://127.0.0.1.nip.example:25/"})).await;
    change.expect_problem(422, "validation_failed").naming("url", "port_forbidden");
    assert_eq!(ani.get(&path(&webhook)).await.json["url"], "https://example.com/");
}

#[tokio::test]
async fn patterns_devices_and_headers_are_checked_one_by_one() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let (budi, _) = gateway.api.register("budi@example.com").await;
    let budis = budi.device("Budi's").await;
    let body = json!({
        "url": "https://example.com/", "events": ["*", "message.sendt", "mess*"],
        "deviceIds": [budis, "dev_01M7XV57GBZ89BFE1MY4WYHDM6"],
        "headers": {"Host": "evil", "webhook-id": "1", "X-Two": "a\r\nHost: b", "X Space": "1"},
    });
    let refused = ani.post("/v1/webhooks", body).await.expect_problem(422, "validation_failed");
    refused
        .naming("events[1]", "event_unknown")
        .naming("events[2]", "event_unknown")
        .naming("deviceIds[0]", "device_unknown")
        .naming("deviceIds[1]", "device_unknown")
        .naming("headers.Host", "header_reserved")
        .naming("headers.webhook-id", "header_reserved")
        .naming("headers.X-Two", "header_value_invalid")
        .naming("headers.X Space", "header_name_invalid");
    let with = |name: &str, value: Value| {
        let mut body = json!({"url": "https://example.com/", "events": ["*"]});
        body[name] = value;
        body
    };
    let many: BTreeMap<String, &str> = (0..21).map(|n| (format!("x-{n}"), "1")).collect();
    for (body, field, code) in [
        (with("events", json!([])), "events", "too_few"),
        (with("events", json!("*")), "events", "wrong_type"),
        (with("headers", json!(many)), "headers", "too_many"),
        (with("deviceIds", json!(vec![budis; 51])), "deviceIds", "too_many"),
        (with("secret", json!("whsec_mine")), "secret", "unknown_field"),
    ] {
        ani.post("/v1/webhooks", body).await.expect_problem(422, "validation_failed").naming(field, code);
    }
    assert_eq!(ani.get("/v1/webhooks").await.json["items"], json!([]));
}

#[tokio::test]
async fn an_account_has_twenty_webhooks_at_most() {
    let gateway = Gateway::start().await;
    let owner = &gateway.admin;
    for n in 0..18 {
        owner.webhook(&format!("https://example.com/{n}"), &["*"]).await;
    }
    // Of several at once as many are made as there is room for, or fewer.
    let more = (0..6).map(|n| {
        owner.post("/v1/webhooks", json!({"url": format!("https://example.com/more/{n}"), "events": ["*"]}))
    });
    let made =
        futures::future::join_all(more).await.into_iter().filter(|answer| answer.status == 201).count();
    assert!(made <= 2, "{made} were made");
    let page = owner.get("/v1/webhooks?limit=100").await.expect(200).json;
    assert_eq!(page["items"].as_array().unwrap().len(), 18 + made);
    for _ in made..2 {
        owner.webhook("https://example.com/last", &["*"]).await;
    }
    let one_more = owner.post("/v1/webhooks", json!({"url": "https://example.com/", "events": ["*"]})).await;
    one_more.expect_problem(429, "quota_exceeded");
    owner.delete(&path(&page["items"][0])).await.expect(204);
    owner.webhook("https://example.com/again", &["*"]).await;
}

#[tokio::test]
async fn who_only_views_sees_neither_secret_nor_whole_address_nor_the_values_of_headers_and_changes_nothing()
{
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let body = json!({"url": "https://example.com/hooks/T1/xyz?token=abc", "events": ["*"], "headers": {"Authorization": "Bearer x"}});
    let webhook = ani.post("/v1/webhooks", body.clone()).await.expect(201).json;
    let key = ani.post("/v1/api-keys", json!({"name": "viewer", "role": "readonly"})).await.expect(201).json;
    let viewer = gateway.api.with_key(key["key"].as_str().unwrap());
    let seen = viewer.get(&path(&webhook)).await.expect(200).json;
    assert_eq!(seen["headers"], json!({"Authorization": "[hidden]"}));
    assert_eq!(seen["url"], "https://example.com/hooks/…");
    assert!(seen.get("secret").is_none());
    assert_eq!(viewer.get("/v1/webhooks").await.expect(200).json["items"][0], seen);
    viewer.get(&format!("{}/deliveries", path(&webhook))).await.expect(200);
    viewer.post("/v1/webhooks", body).await.expect_problem(403, "forbidden");
    viewer.patch(&path(&webhook), json!({"active": false})).await.expect_problem(403, "forbidden");
    viewer.delete(&path(&webhook)).await.expect_problem(403, "forbidden");
    for action in ["test", "rotate-secret"] {
        viewer.call(&format!("{}/{action}", path(&webhook))).await.expect_problem(403, "forbidden");
    }
    assert_eq!(ani.get(&path(&webhook)).await.json["headers"], json!({"Authorization": "Bearer x"}));
}

#[tokio::test]
async fn what_is_done_with_webhooks_is_in_the_audit_log_without_secrets() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let webhook = ani.webhook("https://example.com/?token=hidden", &["*"]).await;
    ani.patch(&path(&webhook), json!({"active": false})).await.expect(200);
    ani.call(&format!("{}/rotate-secret", path(&webhook))).await.expect(200);
    ani.delete(&path(&webhook)).await.expect(204);
    let log = ani.get("/v1/audit-log").await.expect(200);
    let deeds: Vec<_> = log.json["items"].as_array().unwrap().iter().map(|e| e["action"].clone()).collect();
    for action in ["webhook.create", "webhook.change", "webhook.rotateSecret", "webhook.delete"] {
        assert!(deeds.contains(&json!(action)), "{action}: {deeds:?}");
    }
    let entries = log.json["items"].as_array().unwrap().iter();
    let ours = entries.filter(|entry| entry["action"].as_str().unwrap().starts_with("webhook."));
    assert!(ours.clone().all(|entry| entry["target"] == webhook["id"]));
    let text = String::from_utf8_lossy(&log.bytes).into_owned();
    assert!(!text.contains("whsec_") && !text.contains("hidden"));
}

#[tokio::test]
async fn the_log_of_deliveries_takes_only_its_own_words_for_status() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let webhook = ani.webhook("https://example.com/", &["*"]).await;
    let page = ani.get(&format!("{}/deliveries?status=failed", path(&webhook))).await.expect(200).json;
    assert_eq!(page, json!({"items": [], "nextCursor": null}));
    let wrong = ani.get(&format!("{}/deliveries?status=500", path(&webhook))).await;
    wrong.expect_problem(422, "validation_failed").naming("status", "status_unknown");
}

#[tokio::test]
async fn a_tenant_that_goes_takes_its_webhooks_and_their_log_with_it() {
    let gateway = Gateway::start().await;
    let (ani, session) = gateway.api.register("ani@example.com").await;
    let receiver = tests::Receiver::start().await;
    let (kept, deleted) =
        (ani.webhook(&receiver.url, &["*"]).await, ani.webhook(&receiver.url, &["*"]).await);
    for webhook in [&kept, &deleted] {
        ani.call(&format!("{}/test", path(webhook))).await.expect(202);
        ani.tries(webhook, 1).await;
    }
    ani.delete(&path(&deleted)).await.expect(204);
    assert_eq!((gateway.rows("webhooks").await, gateway.rows("deliveries").await), (2, 2));
    let tenant = tests::Api::tenant_path(&session["account"]);
    gateway.admin.delete(&tenant).await.expect(202);
    let erasure = format!("{tenant}/erasure");
    tests::eventually("the erasure is done", async || {
        let erasure = gateway.admin.get(&erasure).await.expect(200).json;
        (erasure["status"] == "done").then_some(())
    })
    .await;
    assert_eq!((gateway.rows("webhooks").await, gateway.rows("deliveries").await), (0, 0));
}

#[tokio::test]
async fn http_is_taken_where_the_configuration_says_so() {
    let gateway = Gateway::start_with(&[("KURIR_ALLOW_HTTP_URLS", "1")]).await;
    gateway.admin.webhook("http://example.com/", &["*"]).await;
    let inside = json!({"url": "http://10.0.0.1/", "events": ["*"]});
    gateway.admin.post("/v1/webhooks", inside).await.expect(422).naming("url", "address_forbidden");
    let error = Gateway::fails_to_start(&[("KURIR_ALLOW_HTTP_URLS", "perhaps")]).await;
    assert!(error.contains("KURIR_ALLOW_HTTP_URLS must be `1` or `0`"), "{error}");
    let error = Gateway::fails_to_start(&[("KURIR_WEBHOOK_RETRY_SCALE", "0")]).await;
    assert!(error.contains("KURIR_WEBHOOK_RETRY_SCALE must be a number above 0"), "{error}");
}
