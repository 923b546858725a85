//! What an owner does to a queue, and what pacing does, as the recipients' phones see it.

use serde_json::{Value, json};
use tests::{Api, Gateway, eventually};

async fn send_bulk(api: &Api, device: &str, to: &str, text: &str) -> Value {
    let body = json!({"to": to, "type": "text", "text": {"body": text}, "priority": "bulk"});
    api.post(&format!("/v1/devices/{device}/messages"), body).await.expect(202).json
}

async fn queue_of(api: &Api, device: &str) -> Value {
    api.get(&format!("/v1/devices/{device}/queue")).await.expect(200).json
}

async fn pace(api: &Api, device: &str, pacing: Value) {
    api.patch(&format!("/v1/devices/{device}"), json!({"pacing": pacing})).await.expect(200);
}

fn texts(messages: &[Value]) -> Vec<String> {
    let incoming = messages.iter().filter(|m| m["direction"] == "incoming");
    incoming.map(|m| m["text"]["body"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_paused_device_sends_nothing_until_it_is_resumed_and_then_direct_messages_first() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    let paused = gateway.admin.call(&format!("/v1/devices/{device}/pause")).await.expect(200).json;
    assert_eq!(paused["paused"], true);
    for n in 0..3 {
        send_bulk(&gateway.admin, &device, &budi.number, &format!("bulk {n}")).await;
    }
    let last = gateway.admin.send_text(&device, &budi.number, "direct").await;
    gateway.admin.send_text(&device, &budi.number, "direct, too").await;
    // Had the pause not held, they would have gone by then.
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    let queue = queue_of(&gateway.admin, &device).await;
    assert_eq!((&queue["pending"], &queue["paused"]), (&json!(5), &json!(true)), "{queue}");
    assert_eq!(texts(&budi.messages().await), Vec::<String>::new());

    gateway.admin.call(&format!("/v1/devices/{device}/resume")).await.expect(200);
    gateway.admin.message_becomes(&last, "delivered").await;
    budi.receives("bulk 2").await;
    let arrived = texts(&budi.messages().await);
    let place = |text: &str| arrived.iter().position(|t| t == text).unwrap();
    assert!(place("direct") < place("bulk 1"), "{arrived:?}");
    assert!(place("direct") < place("direct, too") && place("direct, too") < place("bulk 2"), "{arrived:?}");
}

#[tokio::test]
async fn over_a_limit_the_queue_waits_says_until_when_and_still_does_after_a_kill() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    pace(&gateway.admin, &device, json!({"perMinute": 2})).await;
    let mut messages = Vec::new();
    for n in 0..3 {
        messages.push(gateway.admin.send_text(&device, &budi.number, &format!("number {n}")).await);
    }
    for message in &messages[..2] {
        gateway.admin.message_becomes(message, "delivered").await;
    }
    let waiting = async |api: &Api| {
        eventually("the queue says until when it waits", async || {
            let queue = queue_of(api, &device).await;
            (queue["waitingFor"] == "perMinute" && queue["nextSendAt"].is_string()).then_some(queue)
        })
        .await
    };
    let before = waiting(&gateway.admin).await;
    assert_eq!(before["pending"], 1, "{before}");

    let gateway = gateway.kill_and_restart().await;
    let budi = gateway.same(&budi);
    gateway.admin.device_becomes(&device, "connected").await;
    let after = waiting(&gateway.admin).await;
    assert_eq!(after["nextSendAt"], before["nextSendAt"]);
    assert_eq!(texts(&budi.messages().await), ["number 0", "number 1"]);

    pace(&gateway.admin, &device, json!({"perMinute": 0})).await;
    gateway.admin.message_becomes(&messages[2], "delivered").await;
    let queue = queue_of(&gateway.admin, &device).await;
    assert_eq!(queue["pending"], 0, "{queue}");
}

#[tokio::test]
async fn a_recipient_who_has_had_enough_holds_up_nobody_else() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let cici = gateway.phone("+6281234567892", "Cici").await;
    let device = gateway.linked_device(&ani).await;
    pace(&gateway.admin, &device, json!({"perRecipientPerHour": 1})).await;
    let first = gateway.admin.send_text(&device, &budi.number, "one an hour").await;
    let second = gateway.admin.send_text(&device, &budi.number, "in an hour").await;
    let other = gateway.admin.send_text(&device, &cici.number, "to somebody else").await;
    gateway.admin.message_becomes(&first, "delivered").await;
    gateway.admin.message_becomes(&other, "delivered").await;
    gateway.admin.message_becomes(&second, "queued").await;
    let queue = eventually("the queue says what it waits for", async || {
        let queue = queue_of(&gateway.admin, &device).await;
        (queue["waitingFor"] == "perRecipient").then_some(queue)
    });
    assert_eq!(queue.await["pending"], 1);
    // A limit that is lifted lets it go.
    pace(&gateway.admin, &device, json!({"perRecipientPerHour": 0})).await;
    gateway.admin.message_becomes(&second, "delivered").await;
    assert_eq!(texts(&budi.messages().await), ["one an hour", "in an hour"]);
    assert_eq!(texts(&cici.messages().await), ["to somebody else"]);
}

#[tokio::test]
async fn a_device_that_whatsapp_slows_down_is_silent_for_a_while_and_loses_nothing() {
    let gateway = Gateway::start_with(&[("KURIR_RATE_LIMIT_PAUSE_MS", "3000")]).await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    let fault = json!({"kind": "nack", "number": ani.number, "code": 429, "times": 1});
    gateway.api.post("/sandbox/faults", fault).await.expect(201);
    let message = gateway.admin.send_text(&device, &budi.number, "too fast").await;
    let next = gateway.admin.send_text(&device, &budi.number, "behind it").await;
    eventually("the queue says that WhatsApp slows it down", async || {
        (queue_of(&gateway.admin, &device).await["waitingFor"] == "rateLimited").then_some(())
    })
    .await;
    let sent = gateway.admin.message_becomes(&message, "delivered").await;
    assert_eq!(sent["attempts"], 2, "{sent}");
    gateway.admin.message_becomes(&next, "delivered").await;
    assert_eq!(texts(&budi.messages().await), ["too fast", "behind it"]);
}

#[tokio::test]
async fn a_dead_letter_is_sent_when_it_is_asked_for_again() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    let fault = json!({"kind": "nack", "number": ani.number, "code": 463, "times": 1});
    gateway.api.post("/sandbox/faults", fault).await.expect(201);
    let message = gateway.admin.send_text(&device, &budi.number, "second try").await;
    gateway.admin.message_becomes(&message, "failed").await;
    let id = message["id"].as_str().unwrap();
    let listed = eventually("the dead letter is listed", async || {
        let page = gateway.admin.get("/v1/dead-letters").await.expect(200).json;
        page["items"].as_array().unwrap().iter().find(|m| m["id"] == id).cloned()
    });
    assert_eq!(listed.await["error"]["code"], "refused");
    gateway.admin.call(&format!("/v1/dead-letters/{id}/redrive")).await.expect(202);
    let sent = gateway.admin.message_becomes(&message, "delivered").await;
    assert_eq!(sent["waMessageId"], message["waMessageId"]);
    budi.receives("second try").await;
    assert_eq!(gateway.admin.get("/v1/dead-letters").await.expect(200).json["items"], json!([]));
}

/// Takes as long as a lane keeps queue entries in hand: over half a minute.
#[tokio::test]
async fn a_device_that_cannot_send_gives_up_its_queue_entries_and_sends_in_order_when_it_can() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    gateway.admin.call(&format!("/v1/devices/{device}/pause")).await.expect(200);
    for n in 0..5 {
        gateway.admin.send_text(&device, &budi.number, &format!("number {n}")).await;
    }
    eventually("no entry is left in the queues", async || {
        let queues = gateway.admin.get("/v1/health").await.expect(200).json["queues"]["sends"].clone();
        (queues == json!({"waiting": 0, "inHand": 0})).then_some(())
    })
    .await;
    let last = gateway.admin.send_text(&device, &budi.number, "number 5").await;
    gateway.admin.call(&format!("/v1/devices/{device}/resume")).await.expect(200);
    gateway.admin.message_becomes(&last, "delivered").await;
    let expected: Vec<_> = (0..6).map(|n| format!("number {n}")).collect();
    assert_eq!(texts(&budi.messages().await), expected);
}
