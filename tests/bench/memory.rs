//! Resident memory of a connector for each device that is connected and has nothing to do.

use std::time::Duration;

use tests::{Fleet, Gateway, signals};

use crate::{quiet, report::Table, sizes::Sizes};

pub async fn measure(sizes: &Sizes) -> Vec<String> {
    let gateway = Gateway::start_with(&[("KURIR_CONNECTORS", "1")]).await;
    let connector = quiet::connector_of(&gateway).await;
    let mut fleet = Fleet::link(&gateway, 0, 0).await;
    let empty = at_rest(connector).await;
    let mut table =
        Table::new(&["devices", "resident, MiB", "KiB for each device", "KiB for each further device"]);
    let mib = |kib: f64| format!("{:.1}", kib / 1024.0);
    table.row(&["0".into(), mib(empty), "-".into(), "-".into()]);
    let (mut last, mut last_devices) = (empty, 0);
    for devices in &sizes.idle {
        fleet.grow(&gateway, *devices).await;
        tests::eventually("every device is connected", async || {
            (fleet.connected(&gateway).await == *devices).then_some(())
        })
        .await;
        let resident = at_rest(connector).await;
        println!("{devices} devices: {resident} KiB");
        table.row(&[
            devices.to_string(),
            mib(resident),
            format!("{:.0}", (resident - empty) / *devices as f64),
            format!("{:.0}", (resident - last) / (devices - last_devices) as f64),
        ]);
        (last, last_devices) = (resident, *devices);
    }
    vec![
        "A connector in a process of its own, store and sandbox in another; devices are linked, connected and \
         idle."
            .to_owned(),
        table.text(),
    ]
}

/// What is resident when it no longer changes, in KiB.
async fn at_rest(pid: u32) -> f64 {
    quiet::processes(&[pid]).await;
    let (mut before, mut same) = (signals::resident_kib(pid), 0);
    while same < 3 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = signals::resident_kib(pid);
        // Within a hundredth.
        same = if now.abs_diff(before) * 100 <= before { same + 1 } else { 0 };
        before = now;
    }
    before as f64
}
