//! WhatsApp asks a device to connect less often.

use serde_json::{Value, json};
use tests::{Gateway, eventually};

#[tokio::test]
async fn a_device_that_connects_too_often_says_so_and_until_when_it_waits() {
    let gateway = Gateway::start_with(&[("KURIR_RATE_LIMIT_PAUSE_MS", "4000")]).await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    let fault = json!({"kind": "rateLimit", "scope": "stream", "number": ani.number});
    gateway.api.post("/sandbox/faults", fault).await.expect(201);
    let path = format!("/v1/devices/{device}");
    let limited = eventually("the device says that it is limited", async || {
        let now = gateway.admin.get(&path).await.expect(200).json;
        let says = now["lastError"].as_str().is_some_and(|error| error.contains("limits"));
        (now["status"] == "connecting" && says).then_some(now)
    })
    .await;
    let says = limited["lastError"].as_str().unwrap();
    let until = says.rsplit(' ').next().unwrap();
    let until: shared::clock::Timestamp = until.parse().unwrap_or_else(|_| panic!("no time in {says:?}"));

    let connected = gateway.admin.device_becomes(&device, "connected").await;
    assert_eq!(connected["lastError"], Value::Null);
    let since: shared::clock::Timestamp = connected["lastSeenAt"].as_str().unwrap().parse().unwrap();
    assert!(since >= until, "it came back at {since}, before {until}");
    let message = gateway.admin.send_text(&device, &budi.number, "after the pause").await;
    gateway.admin.message_becomes(&message, "delivered").await;
}
