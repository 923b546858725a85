//! `/v1/workers`, and what an administrator sees of the deployment's health.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Gateway, within};

const SOON: Duration = Duration::from_secs(8);

/// The shards that a worker holds.
fn shards(worker: &Value) -> Vec<u64> {
    worker["shards"].as_array().unwrap().iter().map(|shard| shard.as_u64().unwrap()).collect()
}

/// Waits until the only worker holds so many shards; the worker.
async fn holds(gateway: &Gateway, count: usize) -> Value {
    within(SOON, format!("the worker holds {count} shards"), async || {
        let workers = gateway.workers().await;
        assert!(workers.len() <= 1, "{workers:?}");
        workers.into_iter().find(|worker| shards(worker).len() == count)
    })
    .await
}

#[tokio::test]
async fn an_administrator_sees_the_connectors_that_run() {
    let gateway = Gateway::start().await;
    let worker = holds(&gateway, 4).await;
    assert!(worker["id"].as_str().unwrap().starts_with("wrk_"), "{worker}");
    assert_eq!(worker["pid"], gateway.pid());
    assert_eq!(worker["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(shards(&worker), [0, 1, 2, 3]);
    assert_eq!((&worker["sessions"], &worker["draining"]), (&json!(0), &json!(false)));
    assert!(worker["memoryBytes"].as_u64().unwrap() > 1 << 20, "{worker}");
    assert!(worker["cpu"].as_f64().unwrap() >= 0.0, "{worker}");
    assert!(!worker["host"].as_str().unwrap().is_empty());
    assert!(worker["startedAt"].as_str().unwrap() <= worker["lastHeartbeatAt"].as_str().unwrap());
    within(SOON, "another heartbeat", async || {
        let later = gateway.workers().await.remove(0);
        assert_eq!((&later["id"], &later["startedAt"]), (&worker["id"], &worker["startedAt"]));
        (later["lastHeartbeatAt"].as_str() > worker["lastHeartbeatAt"].as_str()).then_some(())
    })
    .await;
    let page = gateway.admin.get("/v1/workers?limit=1").await.expect(200).json;
    assert_eq!(page["nextCursor"], Value::Null);
    gateway.admin.get("/v1/workers?limit=0").await.expect_problem(422, "validation_failed");

    let ani = gateway.phone("+6281234567890", "Ani").await;
    gateway.linked_device(&ani).await;
    within(SOON, "its session is counted", async || {
        (gateway.workers().await[0]["sessions"] == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_drained_connector_gives_all_its_shards_and_takes_none() {
    let gateway = Gateway::start().await;
    let worker = holds(&gateway, 4).await;
    let path = format!("/v1/workers/{}/drain", worker["id"].as_str().unwrap());
    let (ani, _) = gateway.api.register("ani@example.com").await;
    ani.call(&path).await.expect_problem(403, "forbidden");
    ani.get("/v1/workers").await.expect_problem(403, "forbidden");
    for unknown in ["wrk_01M7XV57GBZ89BFE1MY4WYHDM6", "dev_01M7XV57GBZ89BFE1MY4WYHDM6", "1"] {
        let answer = gateway.admin.call(&format!("/v1/workers/{unknown}/drain")).await;
        answer.expect_problem(404, "not_found");
    }
    let drained = gateway.admin.call(&path).await.expect(202).json;
    assert_eq!((&drained["id"], &drained["draining"]), (&worker["id"], &json!(true)));
    let idle = holds(&gateway, 0).await;
    assert_eq!(idle["draining"], true);
    // It goes on living so.
    within(SOON, "another heartbeat", async || {
        let later = gateway.workers().await.remove(0);
        assert_eq!((&later["draining"], shards(&later).len()), (&json!(true), 0));
        (later["lastHeartbeatAt"].as_str() > idle["lastHeartbeatAt"].as_str()).then_some(())
    })
    .await;
    let log = gateway.admin.get("/v1/audit-log?action=worker.drain&outcome=success").await.expect(200).json;
    assert_eq!(log["items"].as_array().unwrap().len(), 1);
    assert_eq!(log["items"][0]["target"], worker["id"]);
}

#[tokio::test]
async fn health_tells_an_administrator_of_queues_and_connectors() {
    let gateway = Gateway::start().await;
    let worker = holds(&gateway, 4).await;
    let health = gateway.admin.get("/v1/health").await.expect(200).json;
    assert_eq!(health["workers"].as_array().unwrap().len(), 1, "{health}");
    let seen = &health["workers"][0];
    assert_eq!((&seen["id"], &seen["shards"]), (&worker["id"], &worker["shards"]));
    assert!(seen["sessions"].is_u64() && seen["lastHeartbeatAt"].is_string(), "{seen}");
    for kind in ["sends", "commands"] {
        assert!(health["queues"][kind]["waiting"].is_u64(), "{health}");
        assert!(health["queues"][kind]["inHand"].is_u64(), "{health}");
    }
    // What nobody takes waits.
    let idle = Gateway::start_with(&[("KURIR_CONNECTORS", "0")]).await;
    assert!(idle.banner.contains("Connectors"), "{}", idle.banner);
    let device = idle.admin.device("x").await;
    idle.admin.send_text(&device, "+6281234567890", "waits").await;
    let health = idle.admin.get("/v1/health").await.expect(200).json;
    assert_eq!(health["queues"]["sends"], json!({"waiting": 1, "inHand": 0}), "{health}");
    assert_eq!(health["workers"], json!([]));
    for caller in [gateway.api.clone(), gateway.api.register("ani@example.com").await.0] {
        let health = caller.get("/v1/health").await.expect(200).json;
        assert!(health.get("queues").is_none() && health.get("workers").is_none(), "{health}");
    }
}

#[tokio::test]
async fn the_number_of_shards_can_be_set() {
    let gateway = Gateway::start_with(&[("KURIR_SHARDS", "7")]).await;
    assert_eq!(shards(&holds(&gateway, 7).await), [0, 1, 2, 3, 4, 5, 6]);
    let said = Gateway::fails_to_start(&[("KURIR_SHARDS", "0")]).await;
    assert!(said.contains("KURIR_SHARDS must be a number from 1 to 1024"), "{said}");
}

#[tokio::test]
async fn after_a_kill_all_shards_are_served_again_at_once() {
    let gateway = Gateway::start().await;
    let before = holds(&gateway, 4).await;
    let gateway = gateway.kill_and_restart().await;
    let began = std::time::Duration::from_secs(4);
    let after = within(began, "all shards are held", async || {
        gateway.workers().await.into_iter().find(|worker| shards(worker).len() == 4)
    })
    .await;
    assert_ne!(before["id"], after["id"]);
    assert_eq!(gateway.workers().await.len(), 1);
}
