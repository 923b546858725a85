//! Sending: accepted, sent, delivered, read.

use serde_json::json;
use tests::Gateway;

#[tokio::test]
async fn a_text_is_sent_delivered_and_read() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    let message = gateway.admin.send_text(&device, "+62 812-3456-7891", "Halo, apa kabar? 👋").await;
    let received = budi.receives("Halo, apa kabar? 👋").await;
    assert_eq!(received["id"], message["waMessageId"]);
    assert_eq!(received["from"], ani.number.as_str());
    assert_eq!(received["copies"], 1);
    let delivered = gateway.admin.message_becomes(&message, "delivered").await;
    assert_eq!(delivered["attempts"], 1);
    assert!(delivered["sentAt"].as_str().unwrap() >= delivered["createdAt"].as_str().unwrap());
    assert!(delivered["deliveredAt"].is_string() && delivered["readAt"].is_null());
    budi.read(&[message["waMessageId"].as_str().unwrap()]).await;
    let read = gateway.admin.message_becomes(&message, "read").await;
    assert!(read["readAt"].is_string());
    // The owner's own phone shows it too.
    let own = ani.messages().await;
    assert!(own.iter().any(|m| m["direction"] == "outgoing" && m["id"] == message["waMessageId"]), "{own:?}");
}

#[tokio::test]
async fn a_caller_may_wait_for_the_ack() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    let body = json!({"to": budi.number, "type": "text", "text": {"body": "now"}});
    let path = format!("/v1/devices/{device}/messages");
    let request = gateway.admin.request(reqwest::Method::POST, &path).header("prefer", "wait=20").json(&body);
    let message = gateway.admin.send(request).await.expect(202).json;
    assert!(["sent", "delivered"].contains(&message["status"].as_str().unwrap()), "{message}");
}

#[tokio::test]
async fn messages_of_a_chat_arrive_in_the_order_in_which_they_were_accepted() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    let mut last = json!(null);
    for n in 0..30 {
        last = gateway.admin.send_text(&device, &budi.number, &format!("number {n}")).await;
    }
    gateway.admin.message_becomes(&last, "delivered").await;
    let texts: Vec<_> =
        budi.messages().await.iter().map(|m| m["text"]["body"].as_str().unwrap().to_owned()).collect();
    let expected: Vec<_> = (0..30).map(|n| format!("number {n}")).collect();
    assert_eq!(texts, expected);
}

#[tokio::test]
async fn pacing_keeps_a_pause_between_messages() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    let pacing = json!({"pacing": {"minDelayMs": 700, "maxDelayMs": 800}});
    gateway.admin.patch(&format!("/v1/devices/{device}"), pacing).await.expect(200);
    let began = tokio::time::Instant::now();
    let mut last = json!(null);
    for n in 0..3 {
        last = gateway.admin.send_text(&device, &budi.number, &format!("slow {n}")).await;
    }
    gateway.admin.message_becomes(&last, "delivered").await;
    // Two pauses lie between three messages, however slow the machine.
    assert!(began.elapsed() >= std::time::Duration::from_millis(1400));
}

#[tokio::test]
async fn a_number_that_is_not_on_whatsapp_fails_for_good() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let device = gateway.linked_device(&ani).await;
    let message = gateway.admin.send_text(&device, "+6281299999999", "anybody?").await;
    let failed = gateway.admin.message_becomes(&message, "failed").await;
    assert_eq!(failed["error"]["code"], "not_on_whatsapp", "{failed}");
    // The lane goes on.
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let next = gateway.admin.send_text(&device, &budi.number, "hello").await;
    gateway.admin.message_becomes(&next, "delivered").await;
}

#[tokio::test]
async fn a_refusal_of_the_server_is_a_failure_and_not_a_send() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    let fault = json!({"kind": "nack", "number": ani.number, "code": 463});
    gateway.api.post("/sandbox/faults", fault).await.expect(201);
    let message = gateway.admin.send_text(&device, &budi.number, "refused").await;
    let failed = gateway.admin.message_becomes(&message, "failed").await;
    assert_eq!(failed["error"]["code"], "refused", "{failed}");
    assert!(failed["sentAt"].is_null());
}

#[tokio::test]
async fn two_devices_of_the_gateway_talk_to_each_other() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let anis = gateway.linked_device(&ani).await;
    let budis = gateway.linked_device(&budi).await;
    for round in 0..3 {
        let (ping, pong) = (format!("ping {round}"), format!("pong {round}"));
        let there = gateway.admin.send_text(&anis, &budi.number, &ping).await;
        gateway.admin.receives(&budis, &ani.number, &ping).await;
        gateway.admin.message_becomes(&there, "delivered").await;
        let back = gateway.admin.send_text(&budis, &ani.number, &pong).await;
        gateway.admin.receives(&anis, &budi.number, &pong).await;
        gateway.admin.message_becomes(&back, "delivered").await;
    }
}
