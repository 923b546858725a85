//! All connectors are restarted, one after another, as for a new version.

use std::time::Duration;

use tests::{signals, within};

use crate::stage::{SETTLING, Stage, TAKEOVER};

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_loses_no_message_and_no_device_is_away_for_long() {
    /// How long a device may be without a socket.
    const AWAY_MS: i64 = 5_000;
    let mut stage = Stage::set(20, 2, &[]).await;
    let load = stage.load("rolling", 25, Duration::from_millis(700));
    let ledger = stage.under_load(&load, async |acts| {
        acts.accepted(80).await;
        for old in acts.holders().await {
            acts.say(format!("SIGTERM to {old:?}"));
            assert!(signals::signal(old.pid, "TERM").await, "{old:?} has ended by itself");
            within(TAKEOVER, "it has stopped", async || (!signals::is_alive(old.pid)).then_some(())).await;
            acts.say("it has stopped");
            acts.balanced().await;
            acts.connected(TAKEOVER).await;
            acts.say("three share the work again, and every device is connected");
        }
    });
    let ledger = ledger.await;
    let arrived = stage.arrives(&ledger, SETTLING).await;
    assert_eq!((arrived.messages, arrived.failed.len()), (ledger.len(), 0), "{:?}", arrived.failed);
    let sockets = stage.fleet.sockets(&stage.gateway).await;
    let mut worst = 0;
    for (number, sockets) in &sockets {
        let away: Vec<_> = sockets.iter().filter_map(|socket| socket["awayMs"].as_i64()).collect();
        stage.say(format!("{number} was away for {away:?} ms"));
        assert!(sockets.last().is_some_and(|socket| socket["endedAt"].is_null()), "{number} is away");
        worst = worst.max(away.into_iter().max().unwrap_or_default());
    }
    assert!(worst < AWAY_MS, "a device was away for {worst} ms");
    stage.say(format!("the longest that a device was away: {worst} ms"));
}
