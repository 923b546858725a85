//! What can never be stored, sent or told is set aside, and everything else goes on.

use serde_json::{Value, json};
use tests::{Api, Aws, Gateway, Misbehaviour, Refusal, Refused, eventually};

async fn set_aside(admin: &Api, what: &str) -> Vec<Value> {
    eventually(format!("a {what} is set aside"), async || {
        let items = admin.get("/v1/set-aside").await.expect(200).json["items"].as_array().unwrap().clone();
        let found: Vec<Value> = items.into_iter().filter(|item| item["what"] == what).collect();
        (!found.is_empty()).then_some(found)
    })
    .await
}

#[tokio::test]
async fn a_message_in_the_outbox_that_cannot_be_read_keeps_none_behind_it() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    gateway.admin.call(&format!("/v1/devices/{device}/pause")).await.expect(200);
    let mut messages = Vec::new();
    for n in 0..4 {
        messages.push(gateway.admin.send_text(&device, &budi.number, &format!("number {n}")).await);
    }
    let damaged = messages.remove(1);
    let rows = gateway.dump("messages").await;
    let mut row =
        rows.as_array().unwrap().iter().find(|row| row["id"]["S"] == damaged["id"]).unwrap().clone();
    row["createdAt"] = json!({"S": "no time"});
    gateway.put_row("messages", &row).await;
    gateway.admin.call(&format!("/v1/devices/{device}/resume")).await.expect(200);
    for message in &messages {
        gateway.admin.message_becomes(message, "delivered").await;
    }
    let aside = set_aside(&gateway.admin, "queuedMessage").await;
    assert_eq!(aside.len(), 1, "{aside:?}");
    assert_eq!((&aside[0]["subject"], &aside[0]["deviceId"]), (&damaged["id"], &json!(device)));
    let queue = gateway.admin.get(&format!("/v1/devices/{device}/queue")).await.expect(200).json;
    assert_eq!((&queue["pending"], &queue["sending"]), (&json!(0), &json!(0)), "{queue}");
    // Whoever looks at the chat sees the others.
    let path = format!("/v1/devices/{device}/chats/{}/messages", budi.number);
    let history = gateway.admin.get(&path).await.expect(200).json;
    assert_eq!(history["items"].as_array().unwrap().len(), 3, "{history}");
}

#[tokio::test]
async fn a_message_that_arrives_and_cannot_be_stored_keeps_none_behind_it_and_is_kept_sealed() {
    let aws = Aws::start(1).await;
    let gateway = aws.gateway(&[]).await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let citra = gateway.phone("+6281234567892", "Citra").await;
    let device = gateway.linked_device(&ani).await;
    let refused = Refused { how: Refusal::TooLarge, only: Some(("PutItem", "6281234567892")) };
    aws.proxy.misbehave(Misbehaviour { dynamodb_refuses: Some(refused), ..Misbehaviour::default() });
    let id = citra.send_text(&ani.number, "poison").await;
    budi.send_text(&ani.number, "bread").await;
    gateway.admin.receives(&device, &budi.number, "bread").await;
    let aside = set_aside(&gateway.admin, "receivedMessage").await;
    assert_eq!(aside.len(), 1, "{aside:?}");
    assert_eq!(aside[0]["subject"], id.as_str());
    assert!(aside[0]["keptBytes"].as_u64().unwrap() > 0, "{aside:?}");
    let stored = aws.dump("set-aside").await.to_string();
    assert!(!stored.contains("poison") && stored.contains("sealed"), "{stored}");
    assert!(aside[0]["reason"].as_str().unwrap().contains("maximum allowed size"), "{aside:?}");
    citra.message_becomes(&id, "delivered").await;
    // A key's last use cannot be written down either; its owner is let in.
    let refused = Refused { how: Refusal::AccessDenied, only: Some(("UpdateItem", "kurir-api-keys")) };
    aws.proxy.misbehave(Misbehaviour { dynamodb_refuses: Some(refused), ..Misbehaviour::default() });
    let key = gateway.admin.post("/v1/api-keys", json!({"name": "fresh"})).await.expect(201).json;
    gateway.api.with_key(key["key"].as_str().unwrap()).get("/v1/me").await.expect(200);
    aws.proxy.behave();
    // Who is no administrator does not see what others' is set aside.
    let (ani, _) = gateway.api.register("ani@example.com").await;
    ani.get("/v1/set-aside").await.expect_problem(403, "forbidden");
}
