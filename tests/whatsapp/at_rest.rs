//! What is left of a journey at rest: in the tables, in the files, in the log, and after a device is deleted.

use serde_json::{Value, json};
use tests::{Gateway, Receiver, eventually};

const TABLES: [&str; 17] = [
    "accounts",
    "api-keys",
    "refresh-tokens",
    "devices",
    "session-keys",
    "messages",
    "chats",
    "lanes",
    "leases",
    "workers",
    "contacts",
    "events",
    "webhooks",
    "deliveries",
    "commands",
    "counters",
    "audit",
];

/// Whether a text is among these bytes, as it is or in base64.
fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Every file below a folder, with what is in it.
fn files(folder: &std::path::Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else if let Ok(bytes) = std::fs::read(&path) {
            found.push((path.display().to_string(), bytes));
        }
    }
}

#[tokio::test]
async fn no_text_preview_qr_code_or_pairing_code_is_stored_or_logged_in_clear() {
    // As chatty as can be.
    let gateway = Gateway::start_with(&[("KURIR_LOG", "debug")]).await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi with a long name").await;
    let receiver = Receiver::start().await;
    let webhook = gateway.admin.webhook(&receiver.url, &["*"]).await;

    let other = gateway.admin.device("other").await;
    let code = gateway.admin.pairing_code(&other, json!({"phoneNumber": "+6281234567893"})).await;
    let device = gateway.admin.device("test").await;
    let qr = gateway.admin.qr(&device).await;
    let qr_of_other = gateway.admin.qr(&other).await;
    ani.scan(&qr).await;
    gateway.admin.device_becomes(&device, "connected").await;
    let message = gateway.admin.send_text(&device, &budi.number, "Outgoing words that nobody reads").await;
    gateway.admin.message_becomes(&message, "delivered").await;
    budi.send_text(&ani.number, "Incoming words that nobody reads").await;
    gateway.admin.receives(&device, &budi.number, "Incoming words that nobody reads").await;
    let to_nobody =
        gateway.admin.send_text(&device, "+628999999999", "Failing words that nobody reads").await;
    gateway.admin.message_becomes(&to_nobody, "failed").await;
    // A receiver that is away: the deliveries lie in their queue.
    let away = Receiver::start().await.url.clone();
    let away = gateway.admin.webhook(&away, &["message.*"]).await;
    budi.send_text(&ani.number, "Queued words that nobody reads").await;
    gateway.admin.receives(&device, &budi.number, "Queued words that nobody reads").await;
    gateway.admin.tries(&away, 1).await;
    gateway.admin.tries(&webhook, 5).await;

    let secrets = [
        "words that nobody reads".to_owned(),
        "Budi with a long name".to_owned(),
        qr.clone(),
        qr_of_other,
        code.replace('-', ""),
        code,
    ];
    for table in TABLES {
        let rows = gateway.dump(table).await.to_string();
        for secret in &secrets {
            assert!(!rows.contains(secret), "{table} holds {secret:?}: {rows}");
        }
    }
    let mut stored = Vec::new();
    files(&gateway.data_dir(), &mut stored);
    assert!(stored.len() > 2, "{stored:?}");
    // The sandbox plays WhatsApp and the phones: what these know is not Kurir's.
    for (name, bytes) in stored.iter().filter(|(name, _)| !name.contains("whatsapp.sqlite3")) {
        for secret in &secrets {
            assert!(!holds(bytes, secret), "{name} holds {secret:?}");
        }
    }
    let log = gateway.log();
    // Who is who may be told at `debug`; what they say, never.
    for secret in secrets.iter().filter(|secret| !secret.starts_with("Budi")) {
        let line = log.lines().find(|line| line.contains(secret.as_str()));
        assert!(line.is_none(), "the log tells {secret:?}: {line:?}");
    }
    // And all of it is there for its owner.
    let chats = gateway.admin.get(&format!("/v1/devices/{device}/chats")).await.expect(200).json;
    assert!(chats.to_string().contains("words that nobody reads"));
    let history = gateway.admin.get("/v1/events/history?limit=100").await.expect(200).json;
    assert!(history.to_string().contains("Incoming words that nobody reads"), "{history}");
}

async fn history(gateway: &Gateway) -> Vec<Value> {
    let page = gateway.admin.get("/v1/events/history?limit=100").await.expect(200).json;
    page["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn the_events_of_a_deleted_device_go_with_it_and_those_of_others_stay() {
    let gateway = Gateway::start().await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let citra = gateway.phone("+6281234567892", "Citra").await;
    let (gone, left) = (gateway.linked_device(&ani).await, gateway.linked_device(&budi).await);
    for n in 0..3 {
        for (to, device) in [(&ani, &gone), (&budi, &left)] {
            let text = format!("to {device} {n}");
            citra.send_text(&to.number, &text).await;
            gateway.admin.receives(device, &citra.number, &text).await;
        }
    }
    eventually("the log has all of it", async || {
        let received =
            history(&gateway).await.into_iter().filter(|event| event["type"] == "message.received");
        (received.count() == 6).then_some(())
    })
    .await;
    let of = |events: &[Value], device: &str| -> Vec<Value> {
        events.iter().filter(|event| event["deviceId"] == device).cloned().collect()
    };
    let before = of(&history(&gateway).await, &left);
    let mut stream = gateway.admin.event_stream("/v1/events", None).await;
    gateway.admin.delete(&format!("/v1/devices/{gone}")).await.expect(204);
    stream.until(|event| event["data"]["status"] == "logged_out").await;
    let last = eventually("the events are gone", async || {
        let events = of(&history(&gateway).await, &gone);
        (events.len() == 1).then(|| events[0].clone())
    })
    .await;
    assert_eq!(last["data"], json!({"status": "logged_out", "lastError": null}), "that it is deleted");
    let after = history(&gateway).await;
    assert_eq!(of(&after, &left), before, "under the same ids");
    assert!(!json!(after).to_string().contains(&format!("to {gone}")));
    // A stream that goes on from an event that is gone misses nothing.
    let id = before[0]["id"].as_str().unwrap();
    let mut again = gateway.admin.event_stream("/v1/events", Some(id)).await;
    citra.send_text(&budi.number, "still there").await;
    again.until(|event| event["data"]["text"]["body"] == "still there").await;
}
