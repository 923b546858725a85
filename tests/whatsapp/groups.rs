//! Messages to groups and from them.

use serde_json::json;
use tests::{Gateway, eventually};

#[tokio::test]
async fn a_groups_chat_is_called_what_the_group_is_whether_a_message_came_or_went() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let (of_ani, of_budi) = (gateway.linked_device(&ani).await, gateway.linked_device(&budi).await);
    let body = json!({"subject": "Old friends", "members": [budi.number]});
    let group = gateway.api.post(&format!("/sandbox/phones/{}/groups", ani.number), body).await.expect(201);
    let group = group.json["jid"].as_str().unwrap().to_owned();
    gateway.admin.send_text(&of_ani, &group, "Hello everybody").await;
    for device in [of_ani, of_budi] {
        let path = format!("/v1/devices/{device}/chats");
        let named = eventually("the chat has the group's name", async || {
            let chats = gateway.admin.get(&path).await.expect(200).json;
            chats["items"].as_array().unwrap().iter().find(|chat| chat["name"] == "Old friends").cloned()
        });
        assert_eq!(named.await["chat"], *group);
    }
}
