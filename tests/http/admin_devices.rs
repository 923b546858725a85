//! `/v1/admin/devices`

use std::collections::BTreeSet;

use serde_json::Value;
use tests::Gateway;

#[tokio::test]
async fn devices_of_all_tenants_are_listed_by_filter_and_in_pages() {
    let gateway = Gateway::start().await;
    let (ani, session) = gateway.api.register("ani@example.com").await;
    gateway.admin.plan(&session["account"], "enterprise").await;
    let mut made = BTreeSet::new();
    for n in 0..5 {
        made.insert(ani.device(&format!("a{n}")).await);
        made.insert(gateway.admin.device(&format!("b{n}")).await);
    }
    let deleted = ani.device("deleted").await;
    ani.delete(&format!("/v1/devices/{deleted}")).await.expect(204);
    let all = async |query: &str| {
        let (mut found, mut next) = (Vec::new(), format!("/v1/admin/devices?{query}"));
        loop {
            let page = gateway.admin.get(&next).await.expect(200).json;
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= 3, "{query}");
            found.extend(items.clone());
            match &page["nextCursor"] {
                Value::String(cursor) => next = format!("/v1/admin/devices?{query}&cursor={cursor}"),
                _ => return found,
            }
        }
    };
    let ids = |found: &[Value]| -> BTreeSet<String> {
        found.iter().map(|device| device["id"].as_str().unwrap().to_owned()).collect()
    };
    let found = all("limit=3").await;
    assert_eq!((found.len(), ids(&found)), (10, made));
    let tenant = session["account"]["tenantId"].as_str().unwrap();
    let of_ani = all(&format!("limit=2&tenantId={tenant}")).await;
    assert!(of_ani.len() == 5 && of_ani.iter().all(|device| device["tenantId"] == tenant), "{of_ani:?}");
    assert_eq!(all("limit=3&status=disconnected").await.len(), 10);
    assert_eq!(all("limit=3&status=connected").await, Vec::<Value>::new());
    let wrong = gateway.admin.get("/v1/admin/devices?status=broken").await;
    wrong.expect_problem(422, "validation_failed").naming("status", "status_unknown");
    ani.get("/v1/admin/devices").await.expect_problem(403, "forbidden");
    assert_eq!(gateway.admin.get("/v1/devices").await.expect(200).json["items"].as_array().unwrap().len(), 5);
}
