//! A tenant that takes deliveries of webhooks away from the others: by receivers that never answer, by replays.

use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use tests::{Answers, Api, Gateway, Receiver, eventually};
use tokio::time::Instant;

/// Sends a test event to a webhook.
async fn try_out(owner: &Api, webhook: &Value) {
    owner.call(&format!("/v1/webhooks/{}/test", id(webhook))).await.expect(202);
}

fn id(webhook: &Value) -> &str {
    webhook["id"].as_str().unwrap()
}

/// The longest of so many deliveries, one after another.
async fn longest(owner: &Api, webhook: &Value, receiver: &Receiver, count: usize) -> Duration {
    let mut longest = Duration::ZERO;
    for _ in 0..count {
        let (before, began) = (receiver.calls().len(), Instant::now());
        try_out(owner, webhook).await;
        receiver.gets(before + 1).await;
        longest = longest.max(began.elapsed());
    }
    longest
}

#[tokio::test]
async fn five_accounts_whose_receivers_never_answer_do_not_delay_another() {
    let gateway = Gateway::start().await;
    let silent = Receiver::start().await;
    silent.answers([Answers::After(Duration::from_secs(600), 204)]);
    let mut attackers = Vec::new();
    for n in 0..5 {
        let (attacker, _) = gateway.api.register(&format!("attacker{n}@example.com")).await;
        let webhooks = join_all((0..4).map(|_| attacker.webhook(&silent.url, &["*"]))).await;
        attackers.push((attacker, webhooks));
    }
    let (victim, _) = gateway.api.register("victim@example.com").await;
    let receiver = Receiver::start().await;
    let webhook = victim.webhook(&receiver.url, &["*"]).await;
    let quiet = longest(&victim, &webhook, &receiver, 5).await;

    // Far more than there are connections.
    join_all(attackers.iter().map(async |(attacker, webhooks)| {
        for _ in 0..10 {
            join_all(webhooks.iter().map(|webhook| try_out(attacker, webhook))).await;
        }
    }))
    .await;
    silent.gets(60).await;
    let beside = longest(&victim, &webhook, &receiver, 10).await;
    assert!(beside < Duration::from_secs(3), "{beside:?} beside silent receivers, {quiet:?} without");

    // When their first tries have timed out, theirs wait in a queue of their own.
    let is_slow = async |(attacker, webhooks): &(Api, Vec<Value>)| {
        let path = format!("/v1/webhooks/{}", id(&webhooks[0]));
        eventually("a webhook that timed out is slow", async || {
            attacker.get(&path).await.expect(200).json["slowUntil"].is_string().then_some(())
        })
        .await;
    };
    join_all(attackers.iter().map(is_slow)).await;
    let later = longest(&victim, &webhook, &receiver, 10).await;
    assert!(later < Duration::from_secs(3), "{later:?} beside what is tried again, {quiet:?} without");
    let own = victim.get(&format!("/v1/webhooks/{}", id(&webhook))).await.expect(200).json;
    assert_eq!(own["slowUntil"], Value::Null);
}

/// A gateway whose accounts may make 30 deliveries an hour, an account with 40 events in its log, and a webhook that
/// wants them and came later.
async fn with_events(receiver: &Receiver) -> (Gateway, Api, Value, String, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plans.toml");
    let plans = "[basic]\nauditDays = 1\nrates.deliveries = [{ limit = 30, per = \"month\" }]\n";
    std::fs::write(&file, plans).unwrap();
    let gateway = Gateway::start_with(&[("KURIR_PLANS_FILE", file.to_str().unwrap())]).await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let (own, other) =
        (gateway.phone("6281100000001", "Ani").await, gateway.phone("6281100000002", "Budi").await);
    let device = ani.device("shop").await;
    own.scan(&ani.qr(&device).await).await;
    ani.device_becomes(&device, "connected").await;
    let since = tests::in_seconds(0);
    for n in 0..40 {
        other.send_text("6281100000001", &format!("number {n}")).await;
    }
    events(&ani, "message.received", 40).await;
    let webhook = ani.webhook(&receiver.url, &["message.received"]).await;
    (gateway, ani, webhook, since, folder)
}

/// Waits until the log has so many events of a type; all of them.
async fn events(owner: &Api, kind: &str, count: usize) -> Vec<Value> {
    let path = format!("/v1/events/history?types={kind}&limit=100");
    eventually(format!("{count} of {kind}"), async || {
        let items = owner.get(&path).await.expect(200).json["items"].as_array().unwrap().clone();
        (items.len() >= count).then_some(items)
    })
    .await
}

#[tokio::test]
async fn a_replay_costs_what_it_queues_and_what_is_over_the_plan_waits_and_its_owner_is_told_once() {
    let receiver = Receiver::start().await;
    let (gateway, ani, webhook, since, _folder) = with_events(&receiver).await;
    let path = format!("/v1/webhooks/{}/replay", id(&webhook));
    let first = ani.post(&path, json!({"since": since})).await.expect(202).json;
    assert_eq!(first["queued"], 30, "{first}");
    let again = json!({"since": since, "after": first["stoppedAfter"]});
    let refused = ani.post(&path, again).await.expect_problem(429, "quota_exceeded");
    assert!(refused.header("retry-after").parse::<u64>().unwrap() > 0);
    receiver.gets(30).await;
    let usage = ani.get("/v1/usage").await.expect(200).json;
    let limit = usage["limits"].as_array().unwrap().iter().find(|one| one["name"] == "deliveriesPerMonth");
    assert_eq!((&limit.unwrap()["used"], &limit.unwrap()["limit"]), (&json!(30), &json!(30)));

    // Single tries wait, too: in the queue, over the death of the gateway.
    for _ in 0..3 {
        try_out(&ani, &webhook).await;
    }
    let told = events(&ani, "webhook.throttled", 1).await;
    assert_eq!(told[0]["data"]["limit"], "deliveriesPerMonth", "{}", told[0]);
    assert_eq!(told[0]["data"]["resetsAt"], limit.unwrap()["resetsAt"]);
    let is_told = "deliveries to webhooks wait: the plan's limit is reached";
    eventually("none is in the queue of what is tried at once", async || {
        let queue = gateway.admin.get("/v1/health").await.expect(200).json["queues"]["deliveries"].clone();
        (queue == json!({"waiting": 0, "inHand": 0})).then_some(())
    })
    .await;
    let gateway = gateway.kill_and_restart().await;
    let log = gateway.log();
    let left = log.lines().filter(|line| line.contains("are in it again"));
    let left: Vec<_> = left.filter(|line| line.contains("slow-deliveries")).collect();
    assert!(left.len() == 1 && left[0].contains("count=3"), "{left:?}");
    assert_eq!(receiver.calls().len(), 30, "nothing was sent beyond the limit");
    assert_eq!(events(&ani, "webhook.throttled", 1).await.len(), 1);
    assert_eq!(gateway.log().matches(is_told).count(), 1);
}

#[tokio::test]
async fn of_replays_at_once_one_is_made_at_a_time() {
    let receiver = Receiver::start().await;
    let (_gateway, ani, webhook, since, _folder) = with_events(&receiver).await;
    let path = format!("/v1/webhooks/{}/replay", id(&webhook));
    let answers = join_all((0..20).map(|_| ani.post(&path, json!({"since": since})))).await;
    let queued: u64 = answers.iter().filter_map(|answer| answer.json["queued"].as_u64()).sum();
    assert_eq!(queued, 30, "together no more than the plan allows");
    let refused = answers.into_iter().filter(|answer| answer.status == 409);
    let refused: Vec<_> = refused.map(|answer| answer.expect_problem(409, "replay_under_way")).collect();
    assert!(!refused.is_empty());
    // And the next one may.
    ani.post(&path, json!({"since": since})).await.expect_problem(429, "quota_exceeded");
    receiver.gets(30).await;
}
