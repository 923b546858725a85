//! How long devices are away when their connector is killed.

use std::time::Duration;

use serde_json::Value;
use tests::{Fleet, Gateway, signals, within};

use crate::{
    report::{Table, percentile},
    sizes::Sizes,
};

const DEVICES: usize = 20;
const PATIENCE: Duration = Duration::from_secs(120);

pub async fn measure(sizes: &Sizes) -> Vec<String> {
    let gateway = Gateway::start_with(&[("KURIR_CONNECTORS", "3")]).await;
    let fleet = Fleet::link(&gateway, DEVICES, 0).await;
    let (mut seconds, mut devices) = (Vec::new(), 0);
    for n in 0..sizes.kills {
        let victim =
            within(PATIENCE, "three connectors have devices", async || busiest(&gateway).await).await;
        let before = logins(&fleet, &gateway).await;
        assert!(signals::signal(victim, "KILL").await, "{victim} has ended by itself");
        within(PATIENCE, "it is seen to be gone", async || {
            (fleet.connected(&gateway).await < DEVICES).then_some(())
        })
        .await;
        within(PATIENCE, "every device is back", async || {
            (fleet.connected(&gateway).await == DEVICES).then_some(())
        })
        .await;
        // By the sandbox's record: from the end of the old socket to the login of the new one.
        let sockets = fleet.sockets(&gateway).await;
        let back = sockets.iter().flat_map(|(number, of)| of.iter().skip(before[number]));
        let away: Vec<f64> =
            back.filter_map(|socket| socket["awayMs"].as_f64()).map(|ms| ms / 1_000.0).collect();
        devices += away.len();
        seconds.push(away.iter().copied().fold(0.0, f64::max));
        println!("kill {n}: {} devices, the last back after {:.1} s", away.len(), seconds[n]);
    }
    let mut table = Table::new(&["kills", "devices cut off", "p50, s", "longest, s"]);
    table.row(&[
        seconds.len().to_string(),
        devices.to_string(),
        format!("{:.1}", percentile(&mut seconds, 0.5)),
        format!("{:.1}", percentile(&mut seconds, 1.0)),
    ]);
    vec![
        format!(
            "One of three connectors is killed (`kill -9`), {DEVICES} devices: until the last of its devices \
             is logged in again elsewhere, by the sandbox's record."
        ),
        table.text(),
    ]
}

/// The connector with the most sessions, once all three have some.
async fn busiest(gateway: &Gateway) -> Option<u32> {
    let of = |worker: &Value, name: &str| worker[name].as_u64().unwrap_or_default();
    let workers = gateway.workers().await;
    let alive = workers.iter().filter(|worker| {
        u32::try_from(of(worker, "pid")).is_ok_and(signals::is_alive) && of(worker, "sessions") > 0
    });
    let alive: Vec<_> = alive.collect();
    let busiest = alive.iter().max_by_key(|worker| of(worker, "sessions"))?;
    (alive.len() == 3).then(|| u32::try_from(of(busiest, "pid")).unwrap_or_default())
}

/// How many logins of each device are on record.
async fn logins(fleet: &Fleet, gateway: &Gateway) -> std::collections::HashMap<String, usize> {
    let sockets = fleet.sockets(gateway).await;
    sockets.into_iter().map(|(number, of)| (number, of.len())).collect()
}
