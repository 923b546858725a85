//! Who may say what became of a message: its recipient, or somebody in its group, and nobody else.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Gateway, Phone};

/// What a stranger can tell: everything, and each twice, should one get through by chance.
async fn forge(gateway: &Gateway, stranger: &Phone, victim: &Phone, group: Option<&str>, id: &Value) {
    for kind in ["", "read", "played", "read"] {
        let forged = json!({"to": victim.number, "group": group, "ids": [id], "type": kind});
        let path = format!("/sandbox/phones/{}/receipts", stranger.number);
        gateway.api.post(&path, forged).await.expect(204);
    }
}

/// What becomes of a message while nothing true is told of it.
async fn later(gateway: &Gateway, message: &Value) -> Value {
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (device, id) = (message["deviceId"].as_str().unwrap(), message["id"].as_str().unwrap());
    gateway.admin.get(&format!("/v1/devices/{device}/messages/{id}")).await.expect(200).json
}

#[tokio::test]
async fn a_strangers_receipt_of_a_private_message_changes_nothing() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let citra = gateway.phone("+6281234567892", "Citra").await;
    let device = gateway.linked_device(&ani).await;
    let message = gateway.admin.send_text(&device, &budi.number, "Hello").await;
    gateway.admin.message_becomes(&message, "delivered").await;
    forge(&gateway, &citra, &ani, None, &message["waMessageId"]).await;
    let now = later(&gateway, &message).await;
    assert_eq!((&now["status"], &now["readAt"]), (&json!("delivered"), &json!(null)), "{now}");
    budi.read(&[message["waMessageId"].as_str().unwrap()]).await;
    gateway.admin.message_becomes(&message, "read").await;
}

#[tokio::test]
async fn a_recipient_known_by_another_identity_may_tell_of_its_messages() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let body = json!({"number": "+6281234567891", "name": "Budi", "addressing": "lid"});
    let budi = gateway.phone_of(&gateway.api.post("/sandbox/phones", body).await.expect(201).json);
    let device = gateway.linked_device(&ani).await;
    for to in [budi.number.clone(), format!("{}@lid", budi.lid)] {
        let message = gateway.admin.send_text(&device, &to, &format!("to {to}")).await;
        gateway.admin.message_becomes(&message, "delivered").await;
        budi.read(&[message["waMessageId"].as_str().unwrap()]).await;
        gateway.admin.message_becomes(&message, "read").await;
    }
}

#[tokio::test]
async fn of_a_message_to_a_group_its_members_may_tell_and_nobody_else() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let citra = gateway.phone("+6281234567892", "Citra").await;
    let device = gateway.linked_device(&ani).await;
    let group = friends(&gateway, &ani, &budi).await;
    let group = group.as_str();
    let message = gateway.admin.send_text(&device, group, "Hello everybody").await;
    budi.receives("Hello everybody").await;
    gateway.admin.message_becomes(&message, "delivered").await;
    // From outside of the group, as if in it, in a chat of two, and as if in a group that does not exist.
    for pretended in [Some(group), None, Some("120363999999999999@g.us")] {
        forge(&gateway, &citra, &ani, pretended, &message["waMessageId"]).await;
    }
    // A member tells in its own chat, where the message is not.
    forge(&gateway, &budi, &ani, None, &message["waMessageId"]).await;
    let now = later(&gateway, &message).await;
    assert_eq!((&now["status"], &now["readAt"]), (&json!("delivered"), &json!(null)), "{now}");
    budi.read(&[message["waMessageId"].as_str().unwrap()]).await;
    gateway.admin.message_becomes(&message, "read").await;
}

#[tokio::test]
async fn the_same_id_in_a_private_chat_and_in_a_group_is_two_messages() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    let group = friends(&gateway, &budi, &ani).await;
    let group = group.as_str();
    let path = format!("/sandbox/phones/{}/messages", budi.number);
    for (to, text) in [(ani.number.as_str(), "for you"), (group, "for all")] {
        let message =
            json!({"to": to, "type": "text", "text": {"body": text}, "id": "3A00000000000000000001"});
        gateway.api.post(&path, message).await.expect(201);
    }
    let private = gateway.admin.receives(&device, &budi.number, "for you").await;
    let in_group = gateway.admin.receives(&device, group, "for all").await;
    assert_eq!(private["waMessageId"], in_group["waMessageId"]);
    assert_ne!(private["id"], in_group["id"]);
}

/// A group that one makes with another; its JID.
async fn friends(gateway: &Gateway, maker: &Phone, other: &Phone) -> String {
    let path = format!("/sandbox/phones/{}/groups", maker.number);
    let body = json!({"subject": "Friends", "members": [other.number]});
    gateway.api.post(&path, body).await.expect(201).json["jid"].as_str().unwrap().to_owned()
}
