//! DynamoDB refuses everything for a while, in each of the ways in which it does, as messages flow both ways.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;
use tests::{Misbehaviour, Refusal, Refused, within};

use crate::stage::{SETTLING, Stage};

/// How long it refuses.
const FOR: Duration = Duration::from_secs(6);

/// How soon after that everything must have arrived.
const RECOVERY: Duration = Duration::from_secs(120);

/// What the contacts of each device send to it.
const EACH: usize = 8;

/// The texts that a device has of a contact, and how often each.
async fn received(stage: &Stage, device: &str, from: &str, name: &str) -> BTreeMap<String, usize> {
    let path = format!("/v1/devices/{device}/chats/{from}/messages?limit=100");
    let (mut cursor, mut texts) = (None::<String>, BTreeMap::new());
    loop {
        let page = match &cursor {
            Some(cursor) => stage.gateway.admin.get(&format!("{path}&cursor={cursor}")).await,
            None => stage.gateway.admin.get(&path).await,
        };
        let Value::Array(items) = &page.json["items"] else { return BTreeMap::new() };
        for text in
            items.iter().filter(|m| m["direction"] == "incoming").filter_map(|m| m["text"]["body"].as_str())
        {
            if text.starts_with(name) {
                *texts.entry(text.to_owned()).or_default() += 1;
            }
        }
        match page.json["nextCursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return texts,
        }
    }
}

/// Has DynamoDB refuse while messages flow both ways; all arrive, once.
async fn through(stage: &mut Stage, how: Refusal) {
    let name = format!("{how:?}");
    let load = stage.load(&name, 8, Duration::from_millis(1000));
    let progress = tests::Progress::default();
    let chats = stage.fleet.devices.len() * stage.fleet.receivers.len();
    let refusing = async {
        while progress.accepted() < chats {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let refused = Some(Refused::all(how));
        stage.misbehave(Misbehaviour { dynamodb_refuses: refused, ..Misbehaviour::default() });
        tokio::time::sleep(FOR).await;
        stage.misbehave(Misbehaviour::default());
    };
    let answering = async {
        for n in 0..EACH {
            for receiver in &stage.fleet.receivers {
                for linked in &stage.fleet.devices {
                    receiver.send_text(&linked.phone.number, &format!("{name} answer {n}")).await;
                }
            }
            tokio::time::sleep(Duration::from_millis(900)).await;
        }
    };
    let (ledger, (), ()) = tokio::join!(stage.fleet.send(&load, &progress), refusing, answering);
    let arrived = stage.arrives(&ledger, RECOVERY).await;
    assert_eq!((arrived.messages, arrived.failed.len()), (ledger.len(), 0), "{name}: {:?}", arrived.failed);
    let expected: BTreeMap<String, usize> = (0..EACH).map(|n| (format!("{name} answer {n}"), 1)).collect();
    for linked in &stage.fleet.devices {
        for receiver in &stage.fleet.receivers {
            let what = format!("{} has all that {} sent", linked.device, receiver.number);
            within(SETTLING, what, async || {
                let texts = received(stage, &linked.device, &receiver.number, &name).await;
                assert!(texts.values().all(|times| *times == 1), "{texts:?}");
                (texts == expected).then_some(())
            })
            .await;
        }
    }
    stage.say(format!("{name}: everything arrived, both ways"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_aws_refuses_nothing_is_lost_nothing_is_doubled_and_the_log_says_what_is_wrong() {
    let mut stage = Stage::set_with_proxy(3, 2, &[]).await;
    for (how, told) in [
        (Refusal::ExpiredToken, "AWS does not accept the credentials (ExpiredTokenException)"),
        (Refusal::AccessDenied, "is not allowed: the program's role needs it"),
        (Refusal::NoTable, "there is no table `kurir-"),
        (Refusal::BadCredentials, "AWS does not accept the credentials (UnrecognizedClientException)"),
        (Refusal::Throttling, ""),
        (Refusal::Throughput, ""),
        (Refusal::Internal, ""),
        (Refusal::Page, ""),
        (Refusal::Reset, ""),
    ] {
        through(&mut stage, how).await;
        let log = stage.gateway.log();
        let says = |words: &str| log.lines().any(|line| line.contains("deployment:") && line.contains(words));
        assert!(told.is_empty() || says(told), "{how:?}: no line of the log says {told:?}");
    }
    let aside = stage.gateway.admin.get("/v1/set-aside").await.expect(200).json;
    assert_eq!(aside["items"], serde_json::json!([]), "nothing of that is poison");
}
