//! `/v1/api-keys`

use serde_json::{Value, json};
use tests::Gateway;

#[tokio::test]
async fn a_key_is_shown_once_works_and_can_be_revoked() {
    let gateway = Gateway::start().await;
    let (ani, session) = gateway.api.register("ani@example.com").await;
    let made = ani.post("/v1/api-keys", json!({"name": "shop"})).await.expect(201);
    let secret = made.json["key"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("kur_"));
    assert!(secret.starts_with(made.json["prefix"].as_str().unwrap()));
    assert_eq!(made.json["role"], "owner");

    let listed = ani.get("/v1/api-keys").await.expect(200);
    assert_eq!(listed.json["items"].as_array().unwrap().len(), 1);
    assert!(!String::from_utf8_lossy(&listed.bytes).contains(&secret));
    assert!(listed.json["items"][0].get("key").is_none());

    let shop = gateway.api.with_key(&secret);
    assert_eq!(shop.get("/v1/me").await.expect(200).json["id"], session["account"]["id"]);
    let path = format!("/v1/api-keys/{}", made.json["id"].as_str().unwrap());
    ani.delete(&path).await.expect(204);
    shop.get("/v1/me").await.expect_problem(401, "unauthenticated");
    ani.delete(&path).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_key_has_no_higher_role_than_its_owner_and_may_have_a_lower_one() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let high = ani.post("/v1/api-keys", json!({"name": "x", "role": "admin"})).await;
    high.expect_problem(422, "validation_failed").naming("role", "role_too_high");
    let unknown = ani.post("/v1/api-keys", json!({"name": "x", "role": "emperor"})).await;
    unknown.expect_problem(422, "validation_failed").naming("role", "wrong_type");
    assert_eq!(ani.get("/v1/api-keys").await.json["items"], json!([]));

    let key = ani.post("/v1/api-keys", json!({"name": "viewer", "role": "readonly"})).await.expect(201);
    let viewer = gateway.api.with_key(key.json["key"].as_str().unwrap());
    viewer.get("/v1/devices").await.expect(200);
    viewer.post("/v1/devices", json!({"name": "no"})).await.expect_problem(403, "forbidden");
    viewer.post("/v1/api-keys", json!({"name": "no"})).await.expect_problem(403, "forbidden");
    assert_eq!(viewer.get("/v1/devices").await.json["items"], json!([]));
}

#[tokio::test]
async fn a_key_must_expire_in_the_future_and_then_does() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let past = ani.post("/v1/api-keys", json!({"name": "x", "expiresAt": "2020-01-01T00:00:00Z"})).await;
    past.expect_problem(422, "validation_failed").naming("expiresAt", "in_the_past");
    let nonsense = ani.post("/v1/api-keys", json!({"name": "x", "expiresAt": "soon"})).await;
    nonsense.expect_problem(422, "validation_failed").naming("expiresAt", "wrong_type");
}

#[tokio::test]
async fn keys_are_listed_in_pages() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    for n in 0..5 {
        ani.post("/v1/api-keys", json!({"name": format!("key {n}")})).await.expect(201);
    }
    let mut names = Vec::new();
    let mut path = "/v1/api-keys?limit=2".to_owned();
    loop {
        let page = ani.get(&path).await.expect(200).json;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        names.extend(items.iter().map(|key| key["name"].as_str().unwrap().to_owned()));
        match &page["nextCursor"] {
            Value::String(cursor) => path = format!("/v1/api-keys?limit=2&cursor={cursor}"),
            _ => break,
        }
    }
    assert_eq!(names, ["key 0", "key 1", "key 2", "key 3", "key 4"]);
}

#[tokio::test]
async fn a_bounded_key_makes_no_key_that_works_longer_or_from_elsewhere() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let end = tests::in_seconds(3600);
    let bounds = json!({"name": "bounded", "expiresAt": end, "allowedIps": ["127.0.0.0/8"]});
    let key = ani.post("/v1/api-keys", bounds).await.expect(201).json;
    let bounded = gateway.api.with_key(key["key"].as_str().unwrap());
    let child = bounded.post("/v1/api-keys", json!({"name": "child"})).await.expect(201).json;
    assert_eq!((&child["expiresAt"], &child["allowedIps"]), (&json!(end), &json!(["127.0.0.0/8"])));
    let body = json!({"name": "x", "expiresAt": tests::in_seconds(7200), "allowedIps": ["0.0.0.0/0"]});
    let wider = bounded.post("/v1/api-keys", body).await.expect_problem(422, "validation_failed");
    wider.naming("expiresAt", "too_late").naming("allowedIps", "too_wide");
    let narrower = json!({"name": "x", "allowedIps": ["127.0.0.1"]});
    bounded.post("/v1/api-keys", narrower).await.expect(201);
}
