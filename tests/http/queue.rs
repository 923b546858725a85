//! `/v1/devices/{id}/queue`, pausing, and cancelling: all with devices that are never connected, so that what
//! is accepted waits.

use serde_json::{Value, json};
use tests::{Api, Gateway, in_seconds};

async fn send_bulk(caller: &Api, device: &str, text: &str) -> Value {
    let body = json!({"to": "+6281234567890", "type": "text", "text": {"body": text}, "priority": "bulk"});
    caller.post(&format!("/v1/devices/{device}/messages"), body).await.expect(202).json
}

#[tokio::test]
async fn a_queue_shows_what_waits_and_is_cleared_at_once() {
    let gateway = Gateway::start().await;
    let (device, other) = (gateway.admin.device("x").await, gateway.admin.device("other").await);
    let path = format!("/v1/devices/{device}/queue");
    let mut state = json!({
        "pending": 0, "pendingMore": false, "sending": 0, "sent": 0, "failed": 0,
        "paused": false, "nextSendAt": null, "waitingFor": null,
    });
    assert_eq!(gateway.admin.get(&path).await.expect(200).json, state);
    let mut accepted = Vec::new();
    for n in 0..40 {
        accepted.push(match n % 4 {
            0 => send_bulk(&gateway.admin, &device, "bulk").await,
            _ => gateway.admin.send_text(&device, "+6281234567890", &format!("number {n}")).await,
        });
    }
    let kept = gateway.admin.send_text(&other, "+6281234567890", "another device's").await;
    state["pending"] = json!(40);
    assert_eq!(gateway.admin.get(&path).await.expect(200).json, state);

    let cleared = gateway.admin.delete(&path).await.expect(200).json;
    assert_eq!(cleared, json!({"cancelled": 40, "remaining": 0}));
    state["pending"] = json!(0);
    assert_eq!(gateway.admin.get(&path).await.expect(200).json, state);
    for message in &accepted {
        gateway.admin.message_becomes(message, "cancelled").await;
    }
    gateway.admin.message_becomes(&kept, "queued").await;
    let again = gateway.admin.delete(&path).await.expect(200).json;
    assert_eq!(again, json!({"cancelled": 0, "remaining": 0}));
    // What was cancelled has not failed, and stays in its chat.
    assert_eq!(gateway.admin.get("/v1/dead-letters").await.expect(200).json["items"], json!([]));
    let chat = gateway.admin.get(&format!("/v1/devices/{device}/chats/6281234567890/messages")).await;
    assert_eq!(chat.expect(200).json["items"].as_array().unwrap().len(), 40);
}

#[tokio::test]
async fn a_queued_message_can_be_cancelled_and_stays_so() {
    let gateway = Gateway::start().await;
    let device = gateway.admin.device("x").await;
    let message = gateway.admin.send_text(&device, "+6281234567890", "never mind").await;
    let kept = gateway.admin.send_text(&device, "+6281234567890", "kept").await;
    let path = format!("/v1/devices/{device}/messages/{}", message["id"].as_str().unwrap());
    let cancelled = gateway.admin.call(&format!("{path}/cancel")).await.expect(200).json;
    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(cancelled["id"], message["id"]);
    let again = gateway.admin.call(&format!("{path}/cancel")).await.expect(200).json;
    assert_eq!(again, cancelled);
    assert_eq!(gateway.admin.get(&path).await.expect(200).json, cancelled);
    let queue = gateway.admin.get(&format!("/v1/devices/{device}/queue")).await.expect(200).json;
    assert_eq!(queue["pending"], 1);
    gateway.admin.message_becomes(&kept, "queued").await;
}

#[tokio::test]
async fn a_message_whose_turn_is_over_is_not_cancelled() {
    let gateway = Gateway::start().await;
    let device = gateway.admin.device("x").await;
    let mut body = json!({"to": "+6281234567890", "type": "text", "text": {"body": "Hello"}});
    body["expiresAt"] = json!(in_seconds(1));
    let message = gateway.admin.post(&format!("/v1/devices/{device}/messages"), body).await.expect(202).json;
    gateway.admin.message_becomes(&message, "failed").await;
    let path = format!("/v1/devices/{device}/messages/{}/cancel", message["id"].as_str().unwrap());
    let refused = gateway.admin.call(&path).await.expect_problem(409, "not_cancellable");
    assert!(refused.json["detail"].as_str().unwrap().contains("failed"), "{}", refused.json);
    for unknown in ["msg_01M7XV57GBZ89BFE1MY4WYHDM6", "nonsense"] {
        let path = format!("/v1/devices/{device}/messages/{unknown}/cancel");
        gateway.admin.call(&path).await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn a_device_is_paused_until_it_is_resumed_and_that_survives_a_restart() {
    let gateway = Gateway::start().await;
    let device = gateway.admin.device("x").await;
    let path = format!("/v1/devices/{device}");
    assert_eq!(gateway.admin.get(&path).await.expect(200).json["paused"], false);
    for _ in 0..2 {
        let paused = gateway.admin.call(&format!("{path}/pause")).await.expect(200).json;
        assert_eq!((&paused["id"], &paused["paused"]), (&json!(device), &json!(true)));
    }
    // It is accepted and waits.
    gateway.admin.send_text(&device, "+6281234567890", "later").await;
    let gateway = gateway.kill_and_restart().await;
    let queue = gateway.admin.get(&format!("{path}/queue")).await.expect(200).json;
    assert_eq!((&queue["paused"], &queue["pending"]), (&json!(true), &json!(1)));
    for _ in 0..2 {
        assert_eq!(gateway.admin.call(&format!("{path}/resume")).await.expect(200).json["paused"], false);
    }
    assert_eq!(gateway.admin.get(&format!("{path}/queue")).await.expect(200).json["paused"], false);
    let log = gateway.admin.get(&format!("/v1/audit-log?target={device}")).await.expect(200).json;
    let log = log["items"].as_array().unwrap().clone();
    let actions: Vec<_> = log.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    let resumes = ["device.resume", "device.resume", "device.pause", "device.pause", "device.create"];
    assert_eq!(actions, resumes);
}

#[tokio::test]
async fn who_may_only_look_sees_a_queue_and_changes_nothing() {
    let gateway = Gateway::start().await;
    let device = gateway.admin.device("x").await;
    let message = gateway.admin.send_text(&device, "+6281234567890", "stays").await;
    let key = json!({"name": "viewer", "role": "readonly"});
    let key = gateway.admin.post("/v1/api-keys", key).await.expect(201).json;
    let viewer = gateway.api.with_key(key["key"].as_str().unwrap());
    let path = format!("/v1/devices/{device}");
    assert_eq!(viewer.get(&format!("{path}/queue")).await.expect(200).json["pending"], 1);
    viewer.delete(&format!("{path}/queue")).await.expect_problem(403, "forbidden");
    viewer.call(&format!("{path}/pause")).await.expect_problem(403, "forbidden");
    viewer.call(&format!("{path}/resume")).await.expect_problem(403, "forbidden");
    let cancel = format!("{path}/messages/{}/cancel", message["id"].as_str().unwrap());
    viewer.call(&cancel).await.expect_problem(403, "forbidden");
    gateway.admin.message_becomes(&message, "queued").await;
    assert_eq!(gateway.admin.get(&path).await.expect(200).json["paused"], false);
}

#[tokio::test]
async fn a_deleted_device_has_no_queue() {
    let gateway = Gateway::start().await;
    let device = gateway.admin.device("x").await;
    let path = format!("/v1/devices/{device}");
    gateway.admin.delete(&path).await.expect(204);
    gateway.admin.get(&format!("{path}/queue")).await.expect_problem(404, "not_found");
    gateway.admin.delete(&format!("{path}/queue")).await.expect_problem(404, "not_found");
    gateway.admin.call(&format!("{path}/pause")).await.expect_problem(404, "not_found");
}
