//! Messages and chats are kept for as long as the plan says.

use std::time::Duration;

use serde_json::Value;
use tests::{Api, Gateway, within};

const DAY: i64 = 86_400;

/// The days until each row of a table is dropped, of one tenant.
async fn days_left(gateway: &Gateway, table: &str, tenant: &Value) -> Vec<Option<i64>> {
    let now = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    let rows = gateway.dump(table).await;
    let of_tenant = |row: &&Value| row["pk"]["S"].as_str().unwrap().starts_with(tenant.as_str().unwrap());
    let left = |row: &Value| {
        let ttl: i64 = row["ttl"]["N"].as_str()?.parse().unwrap();
        // To the nearest day.
        Some((ttl - now + DAY / 2) / DAY)
    };
    rows.as_array().unwrap().iter().filter(of_tenant).map(left).collect()
}

async fn all_have(gateway: &Gateway, tenant: &Value, days: Option<i64>, tables: &[&str]) {
    within(Duration::from_secs(150), format!("everything is kept for {days:?} days"), async || {
        for table in tables {
            let left = days_left(gateway, table, tenant).await;
            if left.iter().any(|left| *left != days) {
                return None;
            }
        }
        Some(())
    })
    .await;
}

#[tokio::test]
async fn new_rows_know_how_long_they_are_kept_and_old_ones_follow_a_changed_plan() {
    let gateway = Gateway::start().await;
    let (owner, session): (Api, Value) = gateway.api.register("ani@example.com").await;
    let tenant = &session["account"]["tenantId"];
    gateway.admin.plan(&session["account"], "pro").await;
    let ani = gateway.phone("+6281234567890", "Ani").await;
    let budi = gateway.phone("+6281234567891", "Budi").await;
    let device = owner.device("test").await;
    ani.scan(&owner.qr(&device).await).await;
    owner.device_becomes(&device, "connected").await;
    let sent = owner.send_text(&device, &budi.number, "there").await;
    owner.message_becomes(&sent, "delivered").await;
    budi.send_text(&ani.number, "and back").await;
    owner.receives(&device, &budi.number, "and back").await;
    for table in ["messages", "chats"] {
        let left = days_left(&gateway, table, tenant).await;
        assert!(!left.is_empty() && left.iter().all(|left| *left == Some(365)), "{table}: {left:?}");
    }
    gateway.admin.plan(&session["account"], "basic").await;
    all_have(&gateway, tenant, Some(90), &["messages", "chats"]).await;
    let rows = days_left(&gateway, "messages", tenant).await.len();
    assert_eq!(rows, 2);
    gateway.admin.plan(&session["account"], "enterprise").await;
    all_have(&gateway, tenant, None, &["messages", "chats"]).await;
}
