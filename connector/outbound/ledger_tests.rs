use super::*;
use crate::{
    outbound::Entries,
    ownership::Lease,
    testing::{Stage, recipient, unlimited},
};

fn limited() -> Pacing {
    Pacing { per_minute: 2, ..unlimited() }
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_counts_for_who_reads_the_ledger_next() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let (ctx, link) = (&stage.worker.ctx, device.link(0));
    let mut ledger = Ledger::load(&stage.worker, link).await.unwrap();
    ledger.sent(&recipient(1), ctx.now(), &limited());
    ledger.sent(&recipient(2), ctx.now(), &limited());
    assert!(ledger.store(&stage.worker, &device).await.unwrap());
    let mut next = Ledger::load(&stage.worker, link).await.unwrap();
    let turn = next.turn(&limited(), &recipient(3), ctx.now());
    assert_eq!(turn.limit, Some(Limit::PerMinute));
    // Another of the device's numbers counts by itself.
    let mut other = Ledger::load(&stage.worker, device.link(1)).await.unwrap();
    assert_eq!(other.turn(&limited(), &recipient(3), ctx.now()).limit, None);
}

#[tokio::test(start_paused = true)]
async fn entries_of_a_limited_device_are_deleted_when_its_ledger_is_stored() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let (entries, _settling) = Entries::start(stage.worker.ctx.queues.clone(), 0);
    let mut ledger = Ledger::load(&stage.worker, device.link(0)).await.unwrap();
    ledger.sent(&recipient(1), stage.worker.ctx.now(), &limited());
    ledger.done(Some(entries.hold("a".into())), &limited());
    assert_eq!(entries.count(), 1);
    assert_eq!(ledger.due(false), Some(Instant::now() + MAX_ENTRY_WAIT));
    assert_eq!(ledger.due(true), Some(Instant::now()), "an idle lane stores at once");
    for n in 1..MAX_ENTRIES {
        ledger.done(Some(entries.hold(n.to_string())), &limited());
    }
    assert_eq!(ledger.due(false), Some(Instant::now()), "they fill a request");
    assert!(ledger.store(&stage.worker, &device).await.unwrap());
    assert_eq!((entries.count(), ledger.due(true)), (0, None));
    // Without limits nothing depends on the ledger.
    ledger.done(Some(entries.hold("b".into())), &unlimited());
    assert_eq!(entries.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_silence_that_whatsapp_asks_for_outlives_the_connector_and_is_stored_at_once() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let now = stage.worker.ctx.now();
    let until = now + Duration::from_secs(60);
    let mut ledger = Ledger::load(&stage.worker, device.link(0)).await.unwrap();
    ledger.slow_down(until);
    assert_eq!(ledger.due(false), Some(Instant::now()));
    assert!(ledger.store(&stage.worker, &device).await.unwrap());
    let mut next = Ledger::load(&stage.worker, device.link(0)).await.unwrap();
    let turn = next.turn(&unlimited(), &recipient(1), now);
    assert_eq!((turn.at, turn.limit), (until, Some(Limit::RateLimited)));
}

#[tokio::test(start_paused = true)]
async fn who_served_the_device_before_stores_nothing_over_a_later_holders_ledger() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let later = Assignment { lease: Lease::forever(device.shard, 2), ..device.clone() };
    let mut ledgers = Vec::new();
    for _ in 0..2 {
        let mut ledger = Ledger::load(&stage.worker, device.link(0)).await.unwrap();
        ledger.failed();
        ledgers.push(ledger);
    }
    assert!(ledgers[1].store(&stage.worker, &later).await.unwrap());
    assert!(!ledgers[0].store(&stage.worker, &device).await.unwrap());
    assert_eq!(stage.lane(&device).await.failed, 1);
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_cannot_be_stored_is_kept_and_stored_later() {
    let stage = Stage::new().await;
    let device = stage.device(|_| {}).await;
    let mut ledger = Ledger::load(&stage.worker, device.link(0)).await.unwrap();
    ledger.slow_down(stage.worker.ctx.now() + Duration::from_secs(60));
    stage.cloud.set_away(true);
    assert!(ledger.store(&stage.worker, &device).await.is_err());
    assert_eq!(ledger.due(true), Some(Instant::now() + RETRY_PAUSE), "not at once again, however urgent");
    stage.cloud.set_away(false);
    assert!(ledger.is_changed() && ledger.store(&stage.worker, &device).await.unwrap());
}
