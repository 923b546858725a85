//! `/v1/devices/{id}/messages`, as far as it goes without a phone.

use serde_json::json;
use tests::Gateway;

#[tokio::test]
async fn a_message_is_accepted_and_waits_while_its_device_is_away() {
    let gateway = Gateway::start().await;
    let device = gateway.admin.device("x").await;
    let body = json!({"to": "+6281234567890", "type": "text", "text": {"body": "Hello"}});
    let answer = gateway.admin.post(&format!("/v1/devices/{device}/messages"), body).await.expect(202);
    assert_eq!(answer.json["status"], "queued");
    assert_eq!(answer.json["chat"], "6281234567890@s.whatsapp.net");
    assert_eq!(answer.json["direction"], "outgoing");
    assert_eq!(answer.json["attempts"], 0);
    assert!(answer.json["waMessageId"].as_str().unwrap().starts_with("3EB0"));
    for name in ["sentAt", "deliveredAt", "readAt", "error"] {
        assert_eq!(answer.json.get(name), Some(&json!(null)), "{name}");
    }
    let shown = gateway.admin.get(answer.header("location")).await.expect(200).json;
    assert_eq!(shown, answer.json);
}

#[tokio::test]
async fn an_idempotency_key_makes_a_request_once_only() {
    let gateway = Gateway::start().await;
    let device = gateway.admin.device("x").await;
    let path = format!("/v1/devices/{device}/messages");
    let send = |key: &str, text: &str| {
        let body = json!({"to": "+6281234567890", "type": "text", "text": {"body": text}});
        let request = gateway.admin.request(reqwest::Method::POST, &path);
        let request = request.header("idempotency-key", key).json(&body);
        let admin = gateway.admin.clone();
        async move { admin.send(request).await }
    };
    let first = send("order-1", "Hello").await.expect(202);
    let again = send("order-1", "Hello").await.expect(202);
    assert_eq!(first.json, again.json);
    send("order-1", "Another").await.expect_problem(409, "idempotency_key_reused");
    let other = send("order-2", "Hello").await.expect(202);
    assert_ne!(first.json["id"], other.json["id"]);
    let long = "x".repeat(256);
    let bad = send(&long, "Hello").await;
    bad.expect_problem(422, "validation_failed").naming("Idempotency-Key", "key_invalid");

    let at_once: Vec<_> = (0..10).map(|_| tokio::spawn(send("order-3", "Hello"))).collect();
    let mut ids = std::collections::HashSet::new();
    for answer in at_once {
        ids.insert(answer.await.unwrap().expect(202).json["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), 1);
    let chat = gateway.admin.get(&format!("/v1/devices/{device}/chats/6281234567890/messages")).await;
    assert_eq!(chat.expect(200).json["items"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn bad_messages_are_refused_with_their_fields_and_nothing_is_stored() {
    let gateway = Gateway::start().await;
    let device = gateway.admin.device("x").await;
    let path = format!("/v1/devices/{device}/messages");
    let text = json!({"body": "Hello"});
    for (body, field, code) in [
        (json!({"type": "text", "text": text}), "to", "missing"),
        (json!({"to": "081234", "type": "text", "text": text}), "to", "phone_invalid"),
        (json!({"to": "x@example.com", "type": "text", "text": text}), "to", "phone_invalid"),
        (json!({"to": 6281234567890_u64, "type": "text", "text": text}), "to", "wrong_type"),
        (json!({"to": "+6281234567890", "type": "text"}), "text", "missing"),
        (json!({"to": "+6281234567890", "type": "text", "text": {}}), "text.body", "missing"),
        (json!({"to": "+6281234567890", "type": "text", "text": {"body": " "}}), "text.body", "too_short"),
        (json!({"to": "+6281234567890", "type": "text", "text": {"body": 5}}), "text.body", "wrong_type"),
        (
            json!({"to": "+6281234567890", "type": "text", "text": {"body": "x", "b": 1}}),
            "text.b",
            "unknown_field",
        ),
        (json!({"to": "+6281234567890", "type": "dance", "text": text}), "type", "type_unknown"),
        (json!({"to": "+6281234567890", "type": "text", "text": text, "tex": 1}), "tex", "unknown_field"),
        (
            json!({"to": "+6281234567890", "type": "text", "text": text, "expiresAt": "2020-01-01T00:00:00Z"}),
            "expiresAt",
            "in_the_past",
        ),
        (
            json!({"to": "+6281234567890", "type": "text", "text": text, "expiresAt": "9999-12-31T23:59:59-23:59"}),
            "expiresAt",
            "wrong_type",
        ),
    ] {
        let answer = gateway.admin.post(&path, body).await;
        answer.expect_problem(422, "validation_failed").naming(field, code);
    }
    let chat = gateway.admin.get(&format!("/v1/devices/{device}/chats/6281234567890/messages")).await;
    assert_eq!(chat.expect(200).json["items"], json!([]));
}

#[tokio::test]
async fn a_message_that_cannot_be_sent_in_time_expires() {
    let gateway = Gateway::start().await;
    let device = gateway.admin.device("x").await;
    let mut body = json!({"to": "+6281234567890", "type": "text", "text": {"body": "Hello"}});
    body["expiresAt"] = json!(tests::in_seconds(2));
    let message = gateway.admin.post(&format!("/v1/devices/{device}/messages"), body).await.expect(202).json;
    let failed = gateway.admin.message_becomes(&message, "failed").await;
    assert_eq!(failed["error"]["code"], "expired");
    assert_eq!(failed["attempts"], 0);
}

#[tokio::test]
async fn chats_of_an_unknown_device_or_with_a_bad_jid_are_refused() {
    let gateway = Gateway::start().await;
    let device = gateway.admin.device("x").await;
    let unknown = "/v1/devices/dev_01M7XV57GBZ89BFE1MY4WYHDM6";
    gateway.admin.get(&format!("{unknown}/chats")).await.expect_problem(404, "not_found");
    gateway
        .admin
        .get(&format!("{unknown}/chats/6281234567890/messages"))
        .await
        .expect_problem(404, "not_found");
    let bad = gateway.admin.get(&format!("/v1/devices/{device}/chats/nobody/messages")).await;
    bad.expect_problem(422, "validation_failed").naming("jid", "jid_invalid");
    assert_eq!(
        gateway.admin.get(&format!("/v1/devices/{device}/chats")).await.expect(200).json,
        json!({"items": [], "nextCursor": null})
    );
}
