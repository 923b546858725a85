//! A connector stands still for longer than its lease, and then goes on as if nothing had been.

use std::time::Duration;

use rand::RngExt;
use tests::signals::Frozen;

use crate::stage::{SETTLING, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn a_connector_that_was_frozen_sends_nothing_once_others_have_taken_its_place() {
    const STANDSTILL: Duration = Duration::from_secs(15);
    let mut stage = Stage::set(12, 2, &[]).await;
    let load = stage.load("freeze", 30, Duration::from_millis(600));
    let ledger = stage.under_load(&load, async |acts| {
        acts.accepted(60).await;
        let holders = acts.holders().await;
        let victim = &holders[acts.rng.random_range(0..holders.len())];
        acts.say(format!("SIGSTOP of {victim:?}"));
        let frozen = Frozen::freeze(victim.pid).await;
        let thawing = tokio::time::Instant::now() + STANDSTILL;
        acts.taken_over(&[victim.pid]).await;
        tokio::time::sleep_until(thawing).await;
        acts.say("SIGCONT");
        frozen.thaw();
    });
    let ledger = ledger.await;
    let arrived = stage.arrives(&ledger, SETTLING).await;
    assert_eq!((arrived.messages, arrived.failed.len()), (ledger.len(), 0), "{:?}", arrived.failed);
    // It was not just lucky: its sockets were open when others logged in.
    let sockets = stage.fleet.sockets(&stage.gateway).await;
    let replaced = sockets.values().flatten().filter(|socket| socket["replaced"] == true).count();
    assert!(replaced > 0, "no socket of the frozen connector was replaced");
    stage.balanced().await;
}
