//! `/v1/dead-letters`: with messages that expire because their device is never connected.

use futures::{StreamExt, stream};
use serde_json::{Value, json};
use tests::{Api, Gateway, in_seconds};

/// A message that is given up at once.
async fn expired(caller: &Api, device: &str, text: &str) -> Value {
    let body =
        json!({"to": "+6281234567890", "type": "text", "text": {"body": text}, "expiresAt": in_seconds(1)});
    let message = caller.post(&format!("/v1/devices/{device}/messages"), body).await.expect(202).json;
    caller.message_becomes(&message, "failed").await
}

/// The texts of a list, page by page.
async fn texts(caller: &Api, query: &str) -> Vec<String> {
    let (mut found, mut next) = (Vec::new(), format!("/v1/dead-letters?{query}"));
    loop {
        let page = caller.get(&next).await.expect(200).json;
        let items = page["items"].as_array().unwrap();
        found.extend(items.iter().map(|m| m["text"]["body"].as_str().unwrap().to_owned()));
        match &page["nextCursor"] {
            Value::String(cursor) => next = format!("/v1/dead-letters?{query}&cursor={cursor}"),
            _ => return found,
        }
    }
}

fn path(message: &Value, rest: &str) -> String {
    format!("/v1/dead-letters/{}{rest}", message["id"].as_str().unwrap())
}

#[tokio::test]
async fn what_failed_for_good_is_listed_newest_first_and_by_device() {
    let gateway = Gateway::start().await;
    let (device, other) = (gateway.admin.device("x").await, gateway.admin.device("other").await);
    let first = expired(&gateway.admin, &device, "first").await;
    expired(&gateway.admin, &other, "second").await;
    expired(&gateway.admin, &device, "third").await;
    gateway.admin.send_text(&device, "+6281234567890", "not failed").await;

    let all = gateway.admin.get("/v1/dead-letters").await.expect(200).json;
    assert_eq!(all["items"][2], first);
    assert_eq!(first["error"]["code"], "expired");
    assert_eq!(all["nextCursor"], json!(null));
    for limit in [1, 2, 3] {
        assert_eq!(texts(&gateway.admin, &format!("limit={limit}")).await, ["third", "second", "first"]);
        let query = format!("limit={limit}&deviceId={device}");
        assert_eq!(texts(&gateway.admin, &query).await, ["third", "first"]);
    }
    assert_eq!(texts(&gateway.admin, "deviceId=dev_01M7XV57GBZ89BFE1MY4WYHDM6").await, [""; 0]);
    assert_eq!(gateway.admin.get(&path(&first, "")).await.expect(200).json, first);
}

#[tokio::test]
async fn a_page_of_one_device_does_not_read_all_that_failed_on_others() {
    const OTHERS: usize = 2_100;
    let gateway = Gateway::start().await;
    let device = gateway.admin.device("x").await;
    expired(&gateway.admin, &device, "lone").await;
    let rows = gateway.dump("messages").await;
    let row = &rows.as_array().unwrap()[0];
    let newer: Vec<Value> = (0..OTHERS)
        .map(|n| {
            let mut other = row.clone();
            other["pk"]["S"] = format!("{}other", row["pk"]["S"].as_str().unwrap()).into();
            other["sk"]["S"] = format!("3EB0{n:08}").into();
            other["deadPosition"]["S"] = format!("z{n:08}").into();
            other
        })
        .collect();
    let writing = stream::iter(&newer).for_each_concurrent(16, |row| gateway.put_row("messages", row));
    writing.await;
    let page = gateway.admin.get(&format!("/v1/dead-letters?deviceId={device}")).await.expect(200).json;
    assert_eq!(page["items"], json!([]));
    assert!(page["nextCursor"].is_string(), "there is more");
    assert_eq!(texts(&gateway.admin, &format!("deviceId={device}")).await, ["lone"]);
}

#[tokio::test]
async fn a_dead_letter_is_sent_again_under_the_same_ids_and_once_only() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let device = ani.device("x").await;
    let failed = expired(&ani, &device, "again").await;
    let used = async || {
        let usage = ani.get("/v1/usage").await.expect(200).json;
        let limits = usage["limits"].as_array().unwrap().clone();
        limits
            .into_iter()
            .find(|limit| limit["name"] == "messagesPerMonth")
            .map(|limit| limit["used"].clone())
    };
    let before = used().await;
    let answer = ani.call(&path(&failed, "/redrive")).await.expect(202);
    let queued = answer.json.clone();
    assert_eq!((&queued["status"], &queued["attempts"]), (&json!("queued"), &json!(0)));
    assert_eq!((&queued["error"], &queued["sentAt"]), (&json!(null), &json!(null)));
    for name in ["id", "waMessageId", "chat", "text", "createdAt"] {
        assert_eq!(queued[name], failed[name], "{name}");
    }
    let expires = queued["expiresAt"].as_str().unwrap();
    assert!(expires > in_seconds(86_000).as_str() && expires <= in_seconds(86_400).as_str(), "{expires}");
    assert_eq!(ani.get(answer.header("location")).await.expect(200).json["status"], "queued");
    // It was counted when it was accepted.
    assert_eq!((used().await, before), (Some(json!(1)), Some(json!(1))));

    let queue = ani.get(&format!("/v1/devices/{device}/queue")).await.expect(200).json;
    assert_eq!(queue["pending"], 1);
    assert_eq!(texts(&ani, "").await, [""; 0]);
    ani.get(&path(&failed, "")).await.expect_problem(404, "not_found");
    let refused = ani.call(&path(&failed, "/redrive")).await.expect_problem(409, "not_failed");
    assert!(refused.json["detail"].as_str().unwrap().contains("queued"), "{}", refused.json);
}

#[tokio::test]
async fn of_many_who_send_a_dead_letter_again_one_succeeds() {
    let gateway = Gateway::start().await;
    let device = gateway.admin.device("x").await;
    let failed = expired(&gateway.admin, &device, "once").await;
    let redrive = path(&failed, "/redrive");
    let answers = futures::future::join_all((0..8).map(|_| gateway.admin.call(&redrive))).await;
    let accepted = answers.iter().filter(|answer| answer.status == 202).count();
    assert_eq!(accepted, 1);
    for answer in answers.into_iter().filter(|answer| answer.status != 202) {
        answer.expect_problem(409, "not_failed");
    }
    // A message that waits again can be cancelled like any other.
    let cancel = format!("/v1/devices/{device}/messages/{}/cancel", failed["id"].as_str().unwrap());
    gateway.admin.call(&cancel).await.expect(200);
    gateway.admin.call(&redrive).await.expect_problem(409, "not_failed");
}

#[tokio::test]
async fn what_is_not_ones_own_or_not_there_is_not_found() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let (budi, _) = gateway.api.register("budi@example.com").await;
    let device = ani.device("x").await;
    let failed = expired(&ani, &device, "private").await;
    budi.device("Budi's").await;
    budi.get(&path(&failed, "")).await.expect_problem(404, "not_found");
    budi.call(&path(&failed, "/redrive")).await.expect_problem(404, "not_found");
    assert_eq!(texts(&budi, "").await, [""; 0]);
    assert_eq!(texts(&budi, &format!("deviceId={device}")).await, [""; 0]);
    for unknown in ["msg_01M7XV57GBZ89BFE1MY4WYHDM6", "nonsense", &device] {
        ani.get(&format!("/v1/dead-letters/{unknown}")).await.expect_problem(404, "not_found");
        ani.call(&format!("/v1/dead-letters/{unknown}/redrive")).await.expect_problem(404, "not_found");
    }
    let key = ani.post("/v1/api-keys", json!({"name": "viewer", "role": "readonly"})).await.expect(201).json;
    let viewer = gateway.api.with_key(key["key"].as_str().unwrap());
    assert_eq!(texts(&viewer, "").await, ["private"]);
    viewer.call(&path(&failed, "/redrive")).await.expect_problem(403, "forbidden");
    assert_eq!(ani.get(&path(&failed, "")).await.expect(200).json, failed);
}

#[tokio::test]
async fn the_dead_letters_of_a_deleted_device_are_gone() {
    let gateway = Gateway::start().await;
    let device = gateway.admin.device("x").await;
    let failed = expired(&gateway.admin, &device, "gone").await;
    gateway.admin.delete(&format!("/v1/devices/{device}")).await.expect(204);
    gateway.admin.get(&path(&failed, "")).await.expect_problem(404, "not_found");
    gateway.admin.call(&path(&failed, "/redrive")).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn bad_parameters_of_the_list_are_named() {
    let gateway = Gateway::start().await;
    for (query, field, code) in [
        ("deviceId=nonsense", "deviceId", "wrong_type"),
        ("limit=0", "limit", "out_of_range"),
        ("limit=many", "limit", "wrong_type"),
        ("cursor=made-up", "cursor", "cursor_invalid"),
    ] {
        let answer = gateway.admin.get(&format!("/v1/dead-letters?{query}")).await;
        answer.expect_problem(422, "validation_failed").naming(field, code);
    }
}
