//! Which events reach which webhooks, from the phone to the receiver.

use serde_json::{Value, json};
use tests::{Gateway, Receiver, eventually};

use crate::verifier::{Verdict, verify};

#[tokio::test]
async fn messages_of_a_device_reach_the_webhooks_that_want_them_and_can_be_replayed() {
    let gateway = Gateway::start().await;
    let (own, other) =
        (gateway.phone("6281100000001", "Ani").await, gateway.phone("6281100000002", "Budi").await);
    let device = gateway.linked_device(&own).await;
    let spare = gateway.admin.device("another").await;
    let (all, received, elsewhere) =
        (Receiver::start().await, Receiver::start().await, Receiver::start().await);
    let everything = gateway.admin.webhook(&all.url, &["message.*"]).await;
    let incoming = gateway.admin.webhook(&received.url, &["message.received"]).await;
    let narrow = json!({"url": elsewhere.url, "events": ["*"], "deviceIds": [spare]});
    gateway.admin.post("/v1/webhooks", narrow).await.expect(201);

    let since = tests::in_seconds(0);
    other.send_text("6281100000001", "Halo 🌅 \u{202e}").await;
    let call = received.gets_event("message.received").await;
    assert_eq!(verify(&incoming["secret"], &call).await, Verdict::good());
    let event = call.event();
    assert_eq!(event["deviceId"], device.as_str());
    assert_eq!(event["data"]["text"]["body"], "Halo 🌅 \u{202e}", "{event}");
    let same = all.gets_event("message.received").await;
    assert_eq!(same.event(), event, "every webhook gets the same event");
    assert_ne!(same.header("webhook-id"), call.header("webhook-id"), "under an id of its own");

    gateway.admin.send_text(&device, "+6281100000002", "Halo juga").await;
    for kind in ["message.sent", "message.delivered"] {
        all.gets_event(kind).await;
    }
    assert!(received.calls().iter().all(|call| call.event()["type"] == "message.received"));
    assert!(elsewhere.calls().is_empty());

    // The log of the range again, to one webhook alone.
    let before = received.calls().len();
    let replay = |webhook: &Value| format!("/v1/webhooks/{}/replay", webhook["id"].as_str().unwrap());
    let done = gateway.admin.post(&replay(&incoming), json!({"since": since})).await.expect(202).json;
    assert_eq!(done, json!({"queued": 1, "stoppedAfter": null}));
    let again = received.gets(before + 1).await.pop().unwrap();
    assert_eq!(
        (again.body.clone(), again.header("webhook-id")),
        (call.body.clone(), call.header("webhook-id"))
    );
    let done = gateway.admin.post(&replay(&everything), json!({"since": since})).await.expect(202).json;
    assert!(done["queued"].as_u64().unwrap() >= 3, "{done}");
    let after = json!({"since": since, "after": event["id"]});
    let done = gateway.admin.post(&replay(&incoming), after).await.expect(202).json;
    assert_eq!(done["queued"], 0);
    let none = json!({"since": "2020-01-01T00:00:00Z", "until": "2020-01-02T00:00:00Z"});
    assert_eq!(gateway.admin.post(&replay(&incoming), none).await.expect(202).json["queued"], 0);
    let backwards = json!({"since": "2020-01-02T00:00:00Z", "until": "2020-01-01T00:00:00Z"});
    gateway.admin.post(&replay(&incoming), backwards).await.expect(422).naming("since", "out_of_range");

    // A single one again, by its delivery.
    let tries = eventually("its tries in the log", async || {
        let tries = gateway.admin.tries(&incoming, 2).await;
        tries.iter().any(|one| one["trigger"] == "event").then_some(tries)
    })
    .await;
    let delivery = tries.iter().find(|one| one["trigger"] == "event").unwrap();
    assert_eq!(delivery["eventType"], "message.received");
    let path = format!(
        "/v1/webhooks/{}/deliveries/{}/redeliver",
        incoming["id"].as_str().unwrap(),
        delivery["deliveryId"].as_str().unwrap()
    );
    let before = received.calls().len();
    gateway.admin.call(&path).await.expect(202);
    assert_eq!(received.gets(before + 1).await.pop().unwrap().body, call.body);
}
