use std::time::{Duration, Instant};

use axum::http::StatusCode;
use serde_json::{Value, json};
use whatsapp_rust::wacore::types::events::Event;

use super::net::{Client, Net, jid};

const ALICE: &str = "6281234567890";
const BOB: &str = "4915112345678";

async fn pair() -> (Net, Client) {
    let net = Net::start().await;
    net.phone(ALICE).await;
    net.phone(BOB).await;
    let client = Client::linked(&net, ALICE).await;
    (net, client)
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_refused() {
    let (net, client) = pair().await;
    net.post("/faults", json!({"kind": "nack", "code": 463, "number": format!("+{ALICE}")})).await;
    let id = client.says(&jid(BOB), "refused").await;
    assert_eq!(client.acknowledged(&id).await.as_deref(), Some("463"));
    net.post("/faults", json!({"faults": [{"kind": "rateLimit"}, {"kind": "nack", "code": 479}]})).await;
    let listed = net.get("/faults").await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    let id = client.says(&jid(BOB), "refused").await;
    assert_eq!(client.acknowledged(&id).await.as_deref(), Some("429"));
    let (status, _) = net.call("DELETE", "/faults", Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let id = client.says(&jid(BOB), "taken").await;
    assert_eq!(client.acknowledged(&id).await, None);
    net.shown(BOB, |message| message["text"]["body"] == "taken").await;
    assert_eq!(net.messages(BOB).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn acks_are_late_or_lost() {
    let (net, client) = pair().await;
    net.post("/faults", json!({"kind": "delayAcks", "delayMs": 700})).await;
    #[expect(clippy::disallowed_methods, reason = "a test may look at the clock")]
    let started = Instant::now();
    let id = client.says(&jid(BOB), "late").await;
    assert_eq!(client.acknowledged(&id).await, None);
    assert!(started.elapsed() >= Duration::from_millis(700));

    net.post("/faults", json!({"kind": "dropSockets", "when": "beforeAck"})).await;
    let id = client.says(&jid(BOB), "delivered, not acknowledged").await;
    net.shown(BOB, |message| message["id"] == *id).await;
    client.event("connected again", |event| matches!(event, Event::Connected(_))).await;

    net.post("/faults", json!({"kind": "withholdAcks"})).await;
    let id = client.says(&jid(BOB), "never acknowledged").await;
    net.shown(BOB, |message| message["id"] == *id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_break_and_come_back() {
    let (net, client) = pair().await;
    let outcome = net.post("/faults", json!({"kind": "dropSockets"})).await;
    assert_eq!(outcome["struck"], 1);
    client.connected().await;
    net.post("/faults", json!({"kind": "rejectLogin", "reason": 503})).await;
    net.post("/faults", json!({"kind": "dropSockets", "number": ALICE})).await;
    client.connected().await;
    assert_eq!(net.get("/faults").await["items"], json!([]));
    net.post("/faults", json!({"kind": "delayAnswers", "delayMs": 300, "times": 2})).await;
    client.library.contacts().is_on_whatsapp(&[jid(BOB).parse().unwrap()]).await.unwrap();
    net.post("/faults", json!({"kind": "replaceStream"})).await;
    client.event("replaced", |event| matches!(event, Event::StreamReplaced(_))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_that_is_none_is_refused() {
    let net = Net::start().await;
    let wrong = [
        (json!({"kind": "earthquake"}), "kind", "one of dropSockets, delayAcks,"),
        (json!({}), "kind", "one of dropSockets, delayAcks,"),
        (json!([]), "body", "an object is wanted"),
        (json!({"kind": "nack"}), "code", "a whole number from 0 to 65535 is wanted"),
        (json!({"kind": "nack", "code": "479"}), "code", "a whole number from 0 to 65535 is wanted"),
        (json!({"kind": "nack", "code": 479, "delayMs": 1}), "delayMs", "nack has the fields"),
        (json!({"kind": "dropSockets", "when": "later"}), "when", "one of now, beforeMessage, beforeAck"),
        (json!({"kind": "withholdAcks", "times": 0}), "times", "a whole number from 1 to"),
        (json!({"kind": "withholdAcks", "number": "12"}), "number", "an E.164 number is wanted"),
        (json!({"faults": {}}), "faults", "a list of faults is wanted"),
        (json!({"faults": [], "kind": "nack"}), "kind", "there is nothing else"),
        (json!({"faults": [{"kind": "withholdAcks"}, {"kind": 1}]}), "faults[1].kind", "one of dropSockets"),
    ];
    for (body, field, message) in wrong {
        let (status, problem) = net.call("POST", "/faults", body.clone()).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {problem}");
        let error = &problem["errors"][0];
        assert_eq!(error["field"], field, "{body}: {problem}");
        assert!(error["message"].as_str().unwrap().contains(message), "{body}: {problem}");
    }
    assert_eq!(net.get("/faults").await["items"], json!([]));
}
