//! Waiting until what follows from something is over.

use std::time::Duration;

use tests::{AwsProxy, Gateway, signals};

/// Waits until the processes have used next to no processor time for a second.
pub async fn processes(pids: &[u32]) {
    let mut before = total(pids);
    for _ in 0..120 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = total(pids);
        if now - before < 0.04 {
            return;
        }
        before = now;
    }
    println!("(the processes {pids:?} did not come to rest in two minutes)");
}

fn total(pids: &[u32]) -> f64 {
    pids.iter().map(|pid| signals::cpu_seconds(*pid)).sum()
}

/// Waits until nothing has been written for three seconds but what is always written.
pub async fn store(proxy: &AwsProxy) {
    let written = || {
        let counts = proxy.counts();
        let units = counts.units.iter().filter(|((table, _), _)| !is_background(table));
        units.map(|(_, units)| units.write).sum::<f64>()
    };
    let (mut before, mut since) = (written(), 0);
    for _ in 0..240 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = written();
        since = if now == before { since + 1 } else { 0 };
        before = now;
        if since == 6 {
            return;
        }
    }
    println!("(the store did not come to rest in two minutes)");
}

/// The same, when lanes have written what they write a minute late, too.
pub async fn lanes(proxy: &AwsProxy) {
    tokio::time::sleep(Duration::from_secs(62)).await;
    store(proxy).await;
}

/// Tables that are written whether anything is sent or not.
pub fn is_background(table: &str) -> bool {
    table.ends_with("leases") || table.ends_with("workers")
}

/// The only connector of a gateway.
pub async fn connector_of(gateway: &Gateway) -> u32 {
    let found = tests::eventually("the connector tells of itself", async || {
        let known = gateway.workers().await;
        let alive = known.iter().filter_map(|worker| u32::try_from(worker["pid"].as_u64()?).ok());
        alive.into_iter().find(|pid| *pid != gateway.pid() && signals::is_alive(*pid))
    });
    found.await
}

/// How many messages the sandbox has taken.
pub async fn taken(gateway: &Gateway) -> u64 {
    gateway.api.get("/sandbox/stats").await.expect(200).json["messages"].as_u64().expect("a count")
}

/// Waits until the sandbox has taken so many.
pub async fn until_taken(gateway: &Gateway, count: u64) {
    let what = format!("the sandbox has taken {count} messages");
    tests::within(Duration::from_secs(600), what, async || (taken(gateway).await >= count).then_some(()))
        .await;
}
