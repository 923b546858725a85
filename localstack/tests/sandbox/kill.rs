//! The process is killed in the middle of a conversation.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::{Value, json};
use whatsapp_rust::wacore::{store::InMemoryBackend, types::events::Event};

use super::{
    net::{Client, jid, until},
    process::{Process, call},
};

const ALICE: &str = "6281234567890";
const BOB: &str = "4915112345678";

async fn shown(api: u16) -> Vec<Value> {
    let list = call(api, "GET", &format!("/phones/{BOB}/messages"), &Value::Null).await;
    list.and_then(|list| list["items"].as_array().cloned()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = Process::start(&folder, 0, 0).await;
    for number in [ALICE, BOB] {
        call(process.api, "POST", "/phones", &json!({"number": number, "name": number})).await.unwrap();
    }
    let client = Arc::new(Client::connect(process.url(), Arc::new(InMemoryBackend::new())).await);
    let qr = client.qr().await;
    call(process.api, "POST", &format!("/phones/{ALICE}/scan"), &json!({"qr": qr})).await.unwrap();
    client.connected().await;

    let (mut acknowledged, mut promised) = (BTreeSet::new(), BTreeSet::new());
    for round in 0..3 {
        // The client writes as fast as it can while the phone does the same, until the axe falls.
        let writer = tokio::spawn({
            let client = client.clone();
            async move {
                let mut sent = Vec::new();
                for n in 0..400 {
                    let body = format!("up {round} {n}");
                    match client.try_says(&jid(BOB), &body).await {
                        Some(id) => sent.push(id),
                        None => break,
                    }
                }
                sent
            }
        });
        let phone = tokio::spawn({
            let api = process.api;
            async move {
                let mut sent = Vec::new();
                for n in 0.. {
                    let text = json!({"body": format!("down {round} {n}")});
                    let message = json!({"to": ALICE, "type": "text", "text": text});
                    match call(api, "POST", &format!("/phones/{BOB}/messages"), &message).await {
                        Some(message) => sent.push(message["text"]["body"].as_str().unwrap().to_owned()),
                        None => break,
                    }
                }
                sent
            }
        });
        tokio::time::sleep(Duration::from_millis(400 + 150 * round)).await;
        process = process.kill_and_restart(&folder).await;
        let sent = writer.await.unwrap();
        let said = phone.await.unwrap();
        assert!(!sent.is_empty() && !said.is_empty(), "nothing was under way");
        client.connected().await;
        promised.extend(said);
        acknowledged.extend(client.acknowledged_among(&sent).await);
    }
    let id = client.says(&jid(BOB), "the end").await;
    let api = process.api;
    until("the last message", async || shown(api).await.iter().any(|message| message["id"] == *id)).await;

    let ids: BTreeSet<String> =
        shown(api).await.iter().map(|message| message["id"].as_str().unwrap().to_owned()).collect();
    let lost: Vec<_> = acknowledged.difference(&ids).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?} of {}", acknowledged.len());
    until("all that the phone said", async || {
        let heard: BTreeSet<String> = client.heard().await.into_iter().collect();
        promised.is_subset(&heard)
    })
    .await;
    println!("{} acknowledged, {} promised, none lost", acknowledged.len(), promised.len());
    let broken = client.seen(|event| matches!(event, Event::UndecryptableMessage(_))).await;
    assert_eq!(broken, 0, "messages did not open");
}
