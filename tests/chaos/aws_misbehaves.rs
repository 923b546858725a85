//! DynamoDB and SQS have bad moments.

use std::time::Duration;

use tests::{Fleet, Ledger, Misbehaviour};

use crate::stage::{SETTLING, Stage};

/// How long a bad moment is.
const BAD_MOMENT: Duration = Duration::from_secs(10);

/// All is lost only when it does not arrive this long after a bad moment: what SQS never had comes back from
/// the outbox.
const RECOVERY: Duration = Duration::from_secs(120);

/// Sends a load over a bad moment: some of it before, some of it during, some of it after.
async fn through(stage: &mut Stage, name: &str, how: Misbehaviour) -> Ledger {
    let load = stage.load(name, 10, Duration::from_millis(1000));
    let chats = stage.fleet.devices.len() * stage.fleet.receivers.len();
    let progress = tests::Progress::default();
    let fleet: &Fleet = &stage.fleet;
    let happening = async {
        while progress.accepted() < chats {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stage.misbehave(how);
        tokio::time::sleep(BAD_MOMENT).await;
        stage.misbehave(Misbehaviour::default());
        stage.say(format!("{} messages were accepted by then", progress.accepted()));
    };
    let (ledger, ()) = tokio::join!(fleet.send(&load, &progress), happening);
    stage.say(format!("all {} messages are accepted", ledger.len()));
    ledger
}

async fn all_arrive(stage: &Stage, ledger: &Ledger, patience: Duration) {
    let arrived = stage.arrives(ledger, patience).await;
    assert_eq!((arrived.messages, arrived.failed.len()), (ledger.len(), 0), "{:?}", arrived.failed);
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_that_come_twice_failing_tables_and_absent_queues_lose_and_double_nothing() {
    let mut stage = Stage::set_with_proxy(10, 2, &[]).await;

    stage.misbehave(Misbehaviour { sends_arrive_twice: true, ..Misbehaviour::default() });
    let load = stage.load("twice", 12, Duration::from_millis(400));
    let ledger = stage.under_load(&load, async |_| {}).await;
    all_arrive(&stage, &ledger, SETTLING).await;
    stage.misbehave(Misbehaviour::default());

    // All of it, for as long as the leases last: the connectors must let go of their devices.
    let how = Misbehaviour { dynamodb_fails: 1.0, ..Misbehaviour::default() };
    let ledger = through(&mut stage, "tables", how).await;
    all_arrive(&stage, &ledger, RECOVERY).await;
    let failed: u64 = stage.counted().failures.values().sum();
    assert!(failed > 0, "DynamoDB did not fail");

    let how = Misbehaviour { sqs_away: true, ..Misbehaviour::default() };
    let ledger = through(&mut stage, "queues", how).await;
    all_arrive(&stage, &ledger, RECOVERY).await;
    let refused = stage.counted().failures.get("SendMessage").copied().unwrap_or_default();
    assert!(refused > 0, "nothing was sent while SQS was away");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_of_all_answers_of_the_tables_may_be_failures() {
    let mut stage = Stage::set_with_proxy(10, 2, &[]).await;
    let how = Misbehaviour { dynamodb_fails: 0.33, ..Misbehaviour::default() };
    let ledger = through(&mut stage, "some", how).await;
    all_arrive(&stage, &ledger, RECOVERY).await;
}
