//! `/v1/tenant`

use serde_json::json;
use tests::Gateway;

#[tokio::test]
async fn an_owner_sees_and_changes_its_tenant_and_others_only_see_it() {
    let gateway = Gateway::start().await;
    let (ani, session) = gateway.api.register("ani@example.com").await;
    let tenant = ani.get("/v1/tenant").await.expect(200).json;
    assert_eq!(tenant["id"], session["account"]["tenantId"]);
    assert!(tenant["id"].as_str().unwrap().starts_with("ten_"));
    assert_eq!(
        (&tenant["name"], &tenant["plan"], &tenant["active"]),
        (&json!("Ani"), &json!("basic"), &json!(true))
    );
    assert_eq!(tenant["settings"], json!({"timeZone": "UTC", "retentionDays": null}));

    let change =
        json!({"name": " Ani's shop ", "settings": {"timeZone": "asia/jakarta", "retentionDays": 1}});
    let changed = ani.patch("/v1/tenant", change).await.expect(200).json;
    assert_eq!(changed["name"], "Ani's shop");
    assert_eq!(changed["settings"], json!({"timeZone": "Asia/Jakarta", "retentionDays": 1}));
    let back = ani.patch("/v1/tenant", json!({"settings": {"retentionDays": null}})).await.expect(200).json;
    assert_eq!(back["settings"], json!({"timeZone": "Asia/Jakarta", "retentionDays": null}));

    let (operator, _) = ani.member(&gateway.api, "op@example.com", "operator").await;
    assert_eq!(operator.get("/v1/tenant").await.expect(200).json, back);
    operator.patch("/v1/tenant", json!({"name": "x"})).await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn what_is_wrong_with_a_change_is_named_and_nothing_is_changed() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let before = ani.get("/v1/tenant").await.expect(200).json;
    for (body, field, code) in [
        (json!({"name": " "}), "name", "too_short"),
        (json!({"settings": {"timeZone": "Asia/Nowhere"}}), "settings.timeZone", "time_zone_unknown"),
        (json!({"settings": {"retentionDays": 0}}), "settings.retentionDays", "out_of_range"),
        (json!({"settings": {"retentionDays": 100_000}}), "settings.retentionDays", "out_of_range"),
        (json!({"plan": "enterprise"}), "plan", "unknown_field"),
    ] {
        let answer = ani.patch("/v1/tenant", body).await;
        answer.expect_problem(422, "validation_failed").naming(field, code);
    }
    assert_eq!(ani.get("/v1/tenant").await.expect(200).json, before);
}
