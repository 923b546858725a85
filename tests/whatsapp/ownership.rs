//! Several connectors in processes of their own share the devices, and hand them over.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;
use tests::{
    Gateway, Phone,
    signals::{children_of, is_alive, signal},
    within,
};

/// How long a handover may take, from the signal until every device is connected elsewhere.
const HANDOVER: Duration = Duration::from_secs(5);

fn shards(worker: &Value) -> BTreeSet<u64> {
    worker["shards"].as_array().unwrap().iter().map(|shard| shard.as_u64().unwrap()).collect()
}

fn pid(worker: &Value) -> u32 {
    worker["pid"].as_u64().unwrap().try_into().unwrap()
}

/// Three connectors, and devices that are linked and connected.
struct Stage {
    gateway: Gateway,
    other: Phone,
    devices: Vec<String>,
}

impl Stage {
    async fn set(env: &[(&str, &str)]) -> Self {
        let env = [&[("KURIR_CONNECTORS", "3"), ("KURIR_SHARDS", "6")], env].concat();
        let gateway = Gateway::start_with(&env).await;
        let other = gateway.phone("+6281111111111", "Budi").await;
        let mut devices = Vec::new();
        for n in 0..6 {
            let phone = gateway.phone(&format!("+628123456789{n}"), "Ani").await;
            devices.push(gateway.linked_device(&phone).await);
        }
        Self { gateway, other, devices }
    }

    /// Waits until so many workers that take shards share all of them.
    async fn shared_by(&self, count: usize) -> Vec<Value> {
        within(HANDOVER, format!("{count} workers share the shards"), async || {
            let workers: Vec<_> = self.gateway.workers().await;
            let takers: Vec<_> = workers
                .into_iter()
                .filter(|worker| worker["draining"] == false && !shards(worker).is_empty())
                .collect();
            let all: BTreeSet<u64> = takers.iter().flat_map(shards).collect();
            (takers.len() == count && all.len() == 6).then_some(takers)
        })
        .await
    }

    /// Every device sends, and what it sends arrives once.
    async fn all_send(&self, text: &str) {
        let api = &self.gateway.admin;
        for device in &self.devices {
            api.device_becomes(device, "connected").await;
            let text = format!("{text} {device}");
            let message = api.send_text(device, &self.other.number, &text).await;
            api.message_becomes(&message, "delivered").await;
            assert_eq!(self.other.receives(&text).await["copies"], 1);
        }
    }

    /// Waits until every device has a socket.
    async fn all_connected(&self) {
        within(HANDOVER, "every device is connected", async || {
            let page = self.gateway.admin.get("/v1/devices?status=connected").await.expect(200).json;
            (page["items"].as_array().unwrap().len() == self.devices.len()).then_some(())
        })
        .await;
    }
}

#[tokio::test]
async fn three_connectors_share_the_shards_and_one_that_is_told_to_stop_hands_its_own_over() {
    let stage = Stage::set(&[("KURIR_RESTART_CONNECTORS", "0")]).await;
    let workers = stage.shared_by(3).await;
    assert_eq!(workers.iter().map(|worker| shards(worker).len()).collect::<Vec<_>>(), [2, 2, 2]);
    let children: BTreeSet<_> = children_of(stage.gateway.pid()).into_iter().collect();
    assert_eq!(workers.iter().map(pid).collect::<BTreeSet<_>>(), children);
    stage.all_send("before").await;
    within(Duration::from_secs(10), "sessions are counted", async || {
        let all = stage.gateway.workers().await;
        (all.iter().map(|worker| worker["sessions"].as_u64().unwrap()).sum::<u64>() == 6).then_some(())
    })
    .await;

    let leaver = &workers[1];
    assert!(signal(pid(leaver), "TERM").await);
    let left = stage.shared_by(2).await;
    assert!(left.iter().all(|worker| worker["id"] != leaver["id"]));
    stage.all_connected().await;
    stage.all_send("after").await;
    assert!(!is_alive(pid(leaver)));
    assert_eq!(stage.gateway.workers().await.len(), 2, "who leaves is not shown any more");
    assert!(!stage.gateway.log().contains("lease lost"));
}

#[tokio::test]
async fn a_drained_connector_hands_its_shards_over_and_goes_on_running_idle() {
    let stage = Stage::set(&[]).await;
    let workers = stage.shared_by(3).await;
    let id = workers[0]["id"].as_str().unwrap();
    stage.gateway.admin.call(&format!("/v1/workers/{id}/drain")).await.expect(202);
    stage.shared_by(2).await;
    stage.all_connected().await;
    stage.all_send("drained").await;
    assert!(is_alive(pid(&workers[0])));
    let idle = stage.gateway.workers().await.into_iter().find(|worker| worker["id"] == id).unwrap();
    assert_eq!((shards(&idle).len(), &idle["draining"]), (0, &Value::Bool(true)));
}

#[tokio::test]
async fn a_connector_that_stops_or_crashes_is_started_again_under_another_name() {
    let stage = Stage::set(&[]).await;
    let workers = stage.shared_by(3).await;
    let before: BTreeSet<_> = workers.iter().map(pid).collect();
    assert!(signal(pid(&workers[2]), "TERM").await);
    within(HANDOVER, "another one runs in its place", async || {
        let now: BTreeSet<_> = children_of(stage.gateway.pid()).into_iter().collect();
        (now.len() == 3 && now != before).then_some(())
    })
    .await;
    let now = stage.shared_by(3).await;
    assert!(now.iter().all(|worker| worker["id"] != workers[2]["id"]));
    stage.all_connected().await;
    stage.all_send("again").await;
}

#[tokio::test]
async fn connectors_end_with_their_gateway_however_it_ends() {
    let mut gateway = Gateway::start_with(&[("KURIR_CONNECTORS", "2")]).await;
    assert!(gateway.banner.contains("2 in processes of their own"), "{}", gateway.banner);
    let children = children_of(gateway.pid());
    assert_eq!(children.len(), 2);
    // Also one that does not run.
    assert!(signal(children[0], "STOP").await);
    gateway.kill().await;
    for child in children {
        within(HANDOVER, "the connector has ended", async || (!is_alive(child)).then_some(())).await;
    }
    let mut gateway = gateway.again().await;
    let children = children_of(gateway.pid());
    let status = gateway.terminate().await;
    assert_eq!(status.code(), Some(0), "{}", gateway.log());
    assert!(children.iter().all(|child| !is_alive(*child)));
    assert!(gateway.log().contains("a connector has stopped"), "{}", gateway.log());
}
