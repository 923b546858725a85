//! Who has its requests refused, for nothing, and fills the audit log by it.

use futures::future::join_all;
use serde_json::{Value, json};
use tests::Gateway;

use crate::password_floods::{gateway, post_from};

async fn entries(gateway: &Gateway, query: &str) -> Vec<Value> {
    let (mut found, mut path) = (Vec::new(), format!("/v1/audit-log?{query}"));
    loop {
        let page = gateway.admin.get(&path).await.expect(200).json;
        found.extend(page["items"].as_array().unwrap().clone());
        let Some(cursor) = page["nextCursor"].as_str() else { return found };
        path = format!("/v1/audit-log?{query}&cursor={cursor}");
    }
}

#[tokio::test]
async fn what_is_forbidden_counts_and_a_limit_that_is_reached_leaves_one_entry() {
    let folder = tempfile::tempdir().unwrap();
    let plans = folder.path().join("plans.toml");
    std::fs::write(&plans, "[basic]\nauditDays = 1\nrates.apiCalls = [{ limit = 30, per = \"month\" }]\n")
        .unwrap();
    let gateway = Gateway::start_with(&[("KURIR_PLANS_FILE", plans.to_str().unwrap())]).await;
    let (ani, session) = gateway.api.register("ani@example.com").await;
    let key = ani.post("/v1/api-keys", json!({"name": "viewer", "role": "readonly"})).await.expect(201).json;
    let viewer = gateway.api.with_key(key["key"].as_str().unwrap());
    let calls = (0..100).map(|n| {
        let viewer = viewer.clone();
        async move {
            match n % 3 {
                0 => viewer.get("/v1/members").await.status,
                _ => viewer.post("/v1/devices", json!({"name": "x"})).await.status,
            }
        }
    });
    let statuses = join_all(calls).await;
    let of = |status: u16| statuses.iter().filter(|one| **one == status).count();
    assert_eq!((of(403), of(429)), (29, 71), "one call made the key");
    let actor = session["account"]["id"].as_str().unwrap();
    let reached = entries(&gateway, &format!("actorId={actor}&action=limit.reached")).await;
    assert_eq!(reached.len(), 1, "{reached:?}");
    assert_eq!(reached[0]["target"], "apiCallsPerMonth");
    assert_eq!((&reached[0]["outcome"], &reached[0]["code"]), (&json!("denied"), &json!("rate_limited")));
    let denied = entries(&gateway, &format!("actorId={actor}&outcome=denied")).await;
    assert!(denied.len() <= 30, "{} entries", denied.len());
}

#[tokio::test]
async fn strangers_who_are_sent_away_leave_one_entry_for_each_limit_in_several_partitions() {
    let gateway = gateway().await;
    let login = async |n: usize| {
        let body = json!({"email": format!("a{n}@example.com"), "password": "a guess"});
        post_from(&gateway.api, "203.0.113.7", "/v1/auth/login", body).await.status
    };
    for n in 0..60 {
        assert_eq!(login(n).await, if n < 5 { 401 } else { 429 });
    }
    for token in ["krt_fam_01M7XV57GBZ89BFE1MY4WYHDM6.x", "nonsense"] {
        for _ in 0..10 {
            gateway.api.post("/v1/auth/logout", json!({"refreshToken": token})).await.expect(204);
        }
    }
    let left = entries(&gateway, "limit=3&outcome=denied").await;
    let codes: Vec<_> = left.iter().map(|entry| entry["code"].as_str().unwrap()).collect();
    assert_eq!(codes.iter().filter(|code| **code == "rate_limited").count(), 1, "{codes:?}");
    assert_eq!(codes.len(), 6, "{codes:?}");
    assert!(entries(&gateway, "action=auth.logout").await.is_empty());
    // Many more, so that there are entries in each partition: the list has them all, in order, whatever its pages.
    for n in 0..40 {
        let body = json!({"email": format!("b{n}@example.com"), "password": "a guess"});
        post_from(&gateway.api, &format!("198.51.100.{n}"), "/v1/auth/login", body).await.expect(401);
    }
    let all = entries(&gateway, "limit=100").await;
    let ids =
        |entries: &[Value]| entries.iter().map(|e| e["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert!(ids(&all).is_sorted_by(|a, b| a > b));
    for limit in [1, 7, 20] {
        assert_eq!(ids(&entries(&gateway, &format!("limit={limit}")).await), ids(&all), "{limit}");
    }
    let rows = gateway.dump("audit").await;
    let partition = |row: &Value, name: &str| row[name]["S"].as_str().unwrap().to_owned();
    for name in ["pk", "month"] {
        let rows = rows.as_array().unwrap().iter().filter(|row| partition(row, "pk").starts_with("nobody"));
        let partitions: std::collections::BTreeSet<_> = rows.map(|row| partition(row, name)).collect();
        assert!(partitions.len() > 3, "{partitions:?}");
    }
}
