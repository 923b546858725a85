//! Events of messages and connections, from WhatsApp to whoever listens.

use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tests::{Call, Gateway, Receiver, within};
use tokio::time::Instant;

fn types(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn what_arrives_reaches_the_stream_within_a_second() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    let mut stream = gateway.admin.event_stream("/v1/events?types=message.received", None).await;
    let mut delays = Vec::new();
    for n in 0..10 {
        let text = format!("number {n}");
        let began = Instant::now();
        budi.send_text(&ani.number, &text).await;
        let event = stream.event().await;
        delays.push(began.elapsed());
        assert_eq!((&event["deviceId"], &event["data"]["text"]["body"]), (&json!(device), &json!(text)));
        let path = format!("/v1/devices/{device}/messages/{}", event["data"]["id"].as_str().unwrap());
        assert_eq!(gateway.admin.get(&path).await.expect(200).json, event["data"], "as the API shows it");
        tokio::time::sleep(Duration::from_millis(137)).await;
    }
    delays.sort_unstable();
    println!("from the phone to the stream: {delays:?}");
    assert!(delays[5] < Duration::from_secs(1), "{delays:?}");
}

#[tokio::test]
async fn each_step_of_a_message_is_told_in_order() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = gateway.linked_device(&ani).await;
    let mut stream = gateway.admin.event_stream("/v1/events?types=message.*", None).await;
    let message = gateway.admin.send_text(&device, &budi.number, "Hello").await;
    let mut events = stream.until(|event| event["type"] == "message.delivered").await;
    let received = budi.receives("Hello").await;
    budi.read(&[received["id"].as_str().unwrap()]).await;
    events.push(stream.event().await);
    assert_eq!(types(&events), ["message.sent", "message.delivered", "message.read"]);
    for (event, status) in events.iter().zip(["sent", "delivered", "read"]) {
        assert_eq!(event["data"]["id"], message["id"]);
        assert_eq!(event["data"]["status"], status);
    }
    let to_nobody = gateway.admin.send_text(&device, "+628999999999", "Hello?").await;
    let failed = stream.event().await;
    assert_eq!((&failed["type"], &failed["data"]["id"]), (&json!("message.failed"), &to_nobody["id"]));
    assert_eq!(failed["data"]["error"]["code"], "not_on_whatsapp");
    let own = ani.send_text(&budi.number, "from the phone").await;
    let sent = stream.event().await;
    assert_eq!((&sent["type"], &sent["data"]["waMessageId"]), (&json!("message.sent"), &json!(own)));
    assert_eq!(sent["data"]["direction"], "outgoing");
}

#[tokio::test]
async fn a_connection_tells_when_it_opens_and_why_it_closes() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let mut stream = gateway.admin.event_stream("/v1/events?types=connection.*,device.status", None).await;
    let device = gateway.linked_device(&ani).await;
    let events = stream.until(|event| event["type"] == "connection.open").await;
    let open = events.last().unwrap();
    assert_eq!(open["data"]["phoneNumber"], format!("+{}", ani.number));
    let statuses: Vec<_> = events.iter().filter_map(|event| event["data"]["status"].as_str()).collect();
    assert_eq!(statuses.first(), Some(&"connecting"));
    assert_eq!(statuses.last(), Some(&"connected"));

    gateway.admin.call(&format!("/v1/devices/{device}/disconnect")).await.expect(202);
    let events = stream.until(|event| event["type"] == "device.status").await;
    assert_eq!(types(&events), ["connection.close", "device.status"]);
    assert_eq!(events[0]["data"], json!({"reason": null, "status": "disconnected"}));

    gateway.admin.call(&format!("/v1/devices/{device}/connect")).await.expect(202);
    stream.until(|event| event["type"] == "connection.open").await;
    // The phone unlinks it: there is a reason.
    let links = gateway.api.get(&format!("/sandbox/phones/{}", ani.number)).await.expect(200).json;
    let link = links["links"][0]["n"].as_u64().or(links["links"][0]["number"].as_u64()).unwrap_or(1);
    gateway.api.delete(&format!("/sandbox/phones/{}/links/{link}", ani.number)).await;
    let events = stream.until(|event| event["data"]["status"] == "logged_out").await;
    assert_eq!(events[0]["type"], "connection.close");
    assert!(events[0]["data"]["reason"].as_str().is_some_and(|reason| !reason.is_empty()), "{events:?}");
}

/// The text of each message that was told of as received, in the order of the log.
fn received(events: &[Value]) -> Vec<String> {
    let of_messages = of_type(events, "message.received");
    of_messages.map(|event| event["data"]["text"]["body"].as_str().unwrap().to_owned()).collect()
}

fn of_type<'a>(events: &'a [Value], kind: &str) -> impl Iterator<Item = &'a Value> {
    events.iter().filter(move |event| event["type"] == kind)
}

fn id_of(event: &Value) -> &str {
    event["id"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_while_a_thousand_messages_arrive_keep_no_event_from_a_webhook_and_double_none_in_the_stream() {
    const MESSAGES: usize = 1_000;
    const KILLS: usize = 3;
    let seed = rand::random::<u64>();
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let mut gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let mut budi = gateway.phone("+6281234567891", "Budi").await;
    gateway.linked_device(&ani).await;
    let receiver = Receiver::start().await;
    gateway.admin.webhook(&receiver.url, &["message.received"]).await;
    let mut events = Vec::new();
    let (mut sent, mut last) = (0, None::<String>);
    for kill in 1..=KILLS {
        let kill_after = sent + rng.random_range(20..MESSAGES / KILLS - 20);
        let mut stream = gateway.admin.event_stream("/v1/events", last.as_deref()).await;
        let (phone, number) = (budi.clone(), ani.number.clone());
        let batch = sent..(MESSAGES * kill / KILLS);
        sent = batch.end;
        let sending = tokio::spawn(async move {
            for n in batch {
                phone.send_text(&number, &format!("number {n}")).await;
            }
        });
        while received(&events).len() < kill_after {
            events.push(stream.event().await);
        }
        // All are at WhatsApp, and some of them on their way.
        sending.await.unwrap();
        gateway.kill().await;
        println!("killed: {} events in the stream, {} at the webhook", events.len(), receiver.calls().len());
        // What had come through is seen; then the stream breaks off.
        while let Some(event) = stream.event_within(Duration::from_secs(5)).await {
            events.push(event);
        }
        last = stream.last_id.clone();
        gateway = gateway.again().await;
        budi = gateway.same(&budi);
    }
    let mut stream = gateway.admin.event_stream("/v1/events", last.as_deref()).await;
    while received(&events).iter().collect::<HashSet<_>>().len() < MESSAGES {
        events.push(stream.event().await);
    }
    while let Some(event) = stream.event_within(Duration::from_secs(3)).await {
        events.push(event);
    }
    let expected: Vec<String> = (0..MESSAGES).map(|n| format!("number {n}")).collect();
    let mut told = received(&events);
    assert_eq!(told.len(), MESSAGES, "each once");
    let in_order = told == expected;
    told.sort_by_key(|text| text["number ".len()..].parse::<usize>().unwrap());
    assert_eq!(told, expected);
    assert!(in_order, "{:?}", received(&events));
    assert!(events.is_sorted_by_key(|event| event["id"].as_str().unwrap().to_owned()));
    assert!(!events.iter().any(|event| event["after"].is_string()), "no gap was told of");
    let told: BTreeSet<&str> = of_type(&events, "message.received").map(id_of).collect();
    within(Duration::from_secs(60), "each event is at the webhook", async || {
        let calls: Vec<Value> = receiver.calls().iter().map(Call::event).collect();
        let delivered: BTreeSet<&str> = calls.iter().map(id_of).collect();
        assert!(delivered.is_subset(&told), "nothing that the log does not hold");
        (delivered == told).then_some(())
    })
    .await;
    println!("{} calls at the webhook", receiver.calls().len());
}
