//! How long a request to send takes, and how long a message from its acceptance to WhatsApp's ack.

use std::time::Duration;

use futures::{StreamExt, stream};
use serde_json::{Value, json};
use shared::clock::Timestamp;
use tests::{Fleet, Gateway, Load, Progress};
use tokio::time::Instant;

use crate::{
    report::{Table, percentile},
    sizes::Sizes,
};

const DEVICES: usize = 20;
const RECEIVERS: usize = 2;
/// Messages sent one at a time.
const LONE: usize = 100;

pub async fn measure(sizes: &Sizes) -> Vec<String> {
    let gateway = Gateway::start_with(&[("KURIR_CONNECTORS", "1")]).await;
    let fleet = Fleet::link(&gateway, DEVICES, RECEIVERS).await;
    // Keys and sessions first.
    let first = Load { name: "first".into(), per_chat: 1, pause: Duration::ZERO, seed: 1 };
    let ledger = fleet.send(&first, &Progress::default()).await;
    ledger.arrives(&gateway, &fleet.owner, PATIENCE).await;

    let mut alone = to_ack(&fleet, one_at_a_time(&fleet).await).await;
    let (mut accept, ids) = concurrently(&fleet, sizes).await;
    let mut busy = to_ack(&fleet, ids).await;
    let mut table = Table::new(&["", "messages", "p50, ms", "p99, ms", "longest, ms"]);
    let mut row = |name: String, values: &mut Vec<f64>| {
        let ms = |value: f64| format!("{value:.1}");
        table.row(&[
            name,
            values.len().to_string(),
            ms(percentile(values, 0.5)),
            ms(percentile(values, 0.99)),
            ms(percentile(values, 1.0)),
        ]);
    };
    row(format!("`POST …/messages` accepted, {} at a time", sizes.concurrent), &mut accept);
    row("accepted to acknowledged by WhatsApp, one message at a time".into(), &mut alone);
    row(format!("the same under that load, {DEVICES} devices"), &mut busy);
    vec![
        "Requests with the client, functions, store, connector and sandbox on the same machine. From \
         acceptance to ack by the message's own `createdAt` and `sentAt`; under load that includes its place \
         in its device's queue."
            .to_owned(),
        table.text(),
    ]
}

const PATIENCE: Duration = Duration::from_secs(300);

/// Messages by device and id.
type Ids = Vec<(String, String)>;

async fn one_at_a_time(fleet: &Fleet) -> Ids {
    let mut ids = Vec::new();
    for n in 0..LONE {
        let linked = &fleet.devices[n % DEVICES];
        let to = &fleet.receivers[n % RECEIVERS].number;
        let message = fleet.owner.send_text(&linked.device, to, &format!("lone {n}")).await;
        let sent = fleet.owner.message_becomes(&message, "delivered").await;
        ids.push(names(&sent));
    }
    ids
}

/// Sends many requests at a time; what each took in milliseconds.
async fn concurrently(fleet: &Fleet, sizes: &Sizes) -> (Vec<f64>, Ids) {
    let asked = stream::iter(0..sizes.messages).map(async |n| {
        let linked = &fleet.devices[n % DEVICES];
        let to = &fleet.receivers[n / DEVICES % RECEIVERS].number;
        let body = json!({"to": to, "type": "text", "text": {"body": format!("one of many {n}")}});
        let began = Instant::now();
        let path = format!("/v1/devices/{}/messages", linked.device);
        let message = fleet.owner.post(&path, body).await.expect(202).json;
        (began.elapsed().as_secs_f64() * 1_000.0, names(&message))
    });
    asked.buffer_unordered(sizes.concurrent).collect::<Vec<_>>().await.into_iter().unzip()
}

fn names(message: &Value) -> (String, String) {
    let field = |name: &str| message[name].as_str().expect("a text").to_owned();
    (field("deviceId"), field("id"))
}

/// From acceptance to ack, in milliseconds, once all are acknowledged.
async fn to_ack(fleet: &Fleet, ids: Ids) -> Vec<f64> {
    let asked = stream::iter(ids).map(async |(device, id)| {
        let path = format!("/v1/devices/{device}/messages/{id}");
        let message = tests::within(PATIENCE, format!("{id} is sent"), async || {
            let message = fleet.owner.get(&path).await.expect(200).json;
            message["sentAt"].is_string().then_some(message)
        });
        let message = message.await;
        let at = |name: &str| {
            message[name].as_str().and_then(|text| text.parse::<Timestamp>().ok()).expect("a time")
        };
        (at("sentAt").unix_millis() - at("createdAt").unix_millis()) as f64
    });
    asked.buffer_unordered(8).collect().await
}
