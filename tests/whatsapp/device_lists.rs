//! Lists of devices that have gone stale.

use serde_json::json;
use tests::Gateway;

#[tokio::test]
async fn a_device_that_nobody_told_of_is_reached_from_the_second_message_on() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    let first = gateway.admin.send_text(&device, &budi.number, "to the phone").await;
    gateway.admin.message_becomes(&first, "delivered").await;

    let withheld = json!({"kind": "withholdDeviceNotifications", "number": ani.number, "times": 10});
    gateway.api.post("/sandbox/faults", withheld).await.expect(201);
    let companion = gateway.linked_device(&budi).await;
    let stale = gateway.admin.send_text(&device, &budi.number, "with the old list").await;
    gateway.admin.message_becomes(&stale, "delivered").await;
    budi.receives("with the old list").await;

    // WhatsApp's acknowledgement says that a device was left out. The library then takes the list anew for what it
    // sends next; it sends nothing again, so that the companion never gets the one before.
    let next = gateway.admin.send_text(&device, &budi.number, "with the new list").await;
    gateway.admin.message_becomes(&next, "delivered").await;
    gateway.admin.receives(&companion, &ani.number, "with the new list").await;
    let path = format!("/v1/devices/{companion}/chats/{}/messages", ani.number);
    let history = gateway.admin.get(&path).await.expect(200).json;
    let texts: Vec<_> = history["items"].as_array().unwrap().iter().map(|m| &m["text"]["body"]).collect();
    assert_eq!(texts, ["with the new list"], "{history}");
}
