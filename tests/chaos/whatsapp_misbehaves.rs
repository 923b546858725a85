//! WhatsApp drops connections, withholds and delays acknowledgements, refuses messages, limits the rate, ends
//! streams and answers slowly; each to a device of its own, all at the same time.

use std::{collections::HashMap, time::Duration};

use serde_json::{Value, json};

use crate::stage::Stage;

/// One misbehaviour, and how many of the device's messages may fail of it, with which code.
struct Case {
    fault: Value,
    refusals: usize,
}

fn cases() -> Vec<Case> {
    let case = |fault| Case { fault, refusals: 0 };
    vec![
        case(json!({"kind": "dropSockets", "when": "beforeAck", "times": 2})),
        case(json!({"kind": "dropSockets", "when": "beforeMessage", "times": 2})),
        case(json!({"kind": "dropSockets", "when": "now"})),
        case(json!({"kind": "withholdAcks", "times": 1})),
        case(json!({"kind": "delayAcks", "delayMs": 3000, "times": 2})),
        Case { fault: json!({"kind": "nack", "code": 463, "times": 2}), refusals: 2 },
        Case { fault: json!({"kind": "nack", "code": 479, "times": 1}), refusals: 1 },
        case(json!({"kind": "rateLimit", "times": 2})),
        case(json!({"kind": "rateLimit", "scope": "stream"})),
        case(json!({"kind": "replaceStream"})),
        case(json!({"kind": "delayAnswers", "delayMs": 2000, "times": 2})),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_whatsapp_does_messages_arrive_once_and_refusals_are_failures() {
    let cases = cases();
    let env = [("KURIR_RATE_LIMIT_PAUSE_MS", "1000")];
    let mut stage = Stage::set(cases.len(), 2, &env).await;
    let faults: Vec<Value> = cases
        .iter()
        .zip(&stage.fleet.devices)
        .map(|(case, linked)| {
            let mut fault = case.fault.clone();
            fault["number"] = json!(linked.phone.number);
            fault
        })
        .collect();
    // Only the first messages of a chat have much to ask.
    let (slow, others): (Vec<_>, Vec<_>) = faults.into_iter().partition(|f| f["kind"] == "delayAnswers");
    let arm = async |gateway: &tests::Gateway, faults: Vec<Value>| {
        gateway.api.post("/sandbox/faults", json!({"faults": faults})).await.expect(201);
    };
    arm(&stage.gateway, slow).await;
    let load = stage.load("whatsapp", 12, Duration::from_millis(900));
    let ledger = stage.under_load(&load, async |acts| {
        acts.accepted(2 * cases.len()).await;
        arm(acts.gateway, others).await;
        acts.say("every device has its fault");
    });
    let ledger = ledger.await;
    let arrived = stage.arrives(&ledger, Duration::from_secs(120)).await;

    let mut refused: HashMap<&str, usize> = HashMap::new();
    for (message, code) in &arrived.failed {
        assert_eq!(code, "refused", "{message:?}");
        *refused.entry(&message.from).or_default() += 1;
    }
    for (case, linked) in cases.iter().zip(&stage.fleet.devices) {
        let of = refused.get(linked.phone.number.as_str()).copied().unwrap_or_default();
        assert_eq!(of, case.refusals, "failed of {}", case.fault);
    }
    let left = stage.gateway.api.get("/sandbox/faults").await.expect(200).json;
    assert_eq!(left["items"], json!([]), "these never struck");
}
