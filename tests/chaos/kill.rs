//! Connectors die without a word.

use std::time::Duration;

use rand::RngExt;
use shared::clock::{Clock, SystemClock};
use tests::signals;

use crate::stage::{SETTLING, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn connectors_killed_at_random_moments_lose_no_message_and_others_take_over_in_time() {
    const KILLS: usize = 3;
    /// Receipts that a connector has confirmed and not written when it dies.
    const LOST_RECEIPTS: usize = 10;
    let mut stage = Stage::set(20, 4, &[]).await;
    let mut crashes = Vec::new();
    let load = stage.load("kill", 25, Duration::from_millis(1200));
    let ledger = stage.under_load(&load, async |acts| {
        acts.accepted(100).await;
        for _ in 0..KILLS {
            tokio::time::sleep(Duration::from_millis(acts.rng.random_range(200..2500))).await;
            let holders = acts.holders().await;
            let victim = &holders[acts.rng.random_range(0..holders.len())];
            acts.say(format!("kill -9 of {victim:?}, {} messages accepted", acts.progress.accepted()));
            assert!(signals::signal(victim.pid, "KILL").await, "{victim:?} has ended by itself");
            crashes.push(SystemClock.now());
            acts.taken_over(&[victim.pid]).await;
        }
    });
    let ledger = ledger.await;
    assert_eq!(ledger.len(), 2_000);
    let arrived = stage.arrives_after_crashes(&ledger, SETTLING, &crashes).await;
    assert_eq!((arrived.messages, arrived.failed.len()), (2_000, 0), "{:?}", arrived.failed);
    assert!(arrived.unconfirmed <= LOST_RECEIPTS, "{} messages stay `sent`", arrived.unconfirmed);
}
