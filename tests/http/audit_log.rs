//! `/v1/audit-log`

use serde_json::{Value, json};
use tests::{Api, Gateway};

async fn entries(caller: &Api, query: &str) -> Vec<Value> {
    let (mut found, mut next) = (Vec::new(), format!("/v1/audit-log?{query}"));
    loop {
        let page = caller.get(&next).await.expect(200).json;
        found.extend(page["items"].as_array().unwrap().clone());
        match &page["nextCursor"] {
            Value::String(cursor) => next = format!("/v1/audit-log?{query}&cursor={cursor}"),
            _ => return found,
        }
    }
}

fn actions(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn who_did_what_to_what_from_where_and_how_it_went_is_kept() {
    let gateway = Gateway::start().await;
    let (ani, session) = gateway.api.register("ani@example.com").await;
    let device = ani.device("x").await;
    ani.patch(&format!("/v1/devices/{device}"), json!({"name": ""})).await.expect(422);
    let key = ani.post("/v1/api-keys", json!({"name": "shop", "role": "readonly"})).await.expect(201).json;
    let shop = gateway.api.with_key(key["key"].as_str().unwrap());
    shop.delete(&format!("/v1/devices/{device}")).await.expect(403);
    ani.get("/v1/devices").await.expect(200);

    let own = entries(&ani, "").await;
    let expected = [
        "device.delete",
        "apiKey.create",
        "device.change",
        "device.create",
        "auth.login",
        "account.register",
    ];
    assert_eq!(actions(&own), expected);
    let [denied, made_key, refused, made, _login, registered] = &own[..] else { panic!() };
    assert_eq!(registered["target"], session["account"]["id"]);
    assert_eq!(made["actorId"], session["account"]["id"]);
    assert_eq!(made["target"], device.as_str());
    assert_eq!(made["ip"], "127.0.0.1");
    assert_eq!(made["outcome"], "success");
    assert_eq!(made["code"], json!(null));
    assert!(made["requestId"].as_str().unwrap().starts_with("req_"));
    assert_eq!((&refused["outcome"], &refused["code"]), (&json!("denied"), &json!("validation_failed")));
    assert_eq!(made_key["target"], key["id"]);
    assert_eq!((&denied["outcome"], &denied["code"]), (&json!("denied"), &json!("forbidden")));
    assert_eq!((&denied["apiKeyId"], &denied["target"]), (&key["id"], &json!(device)));
}

#[tokio::test]
async fn it_is_read_by_filter_and_in_pages_by_administrators_whole_and_by_others_their_own() {
    let gateway = Gateway::start().await;
    let (ani, session) = gateway.api.register("ani@example.com").await;
    let (budi, _) = gateway.api.register("budi@example.com").await;
    for n in 0..3 {
        ani.post("/v1/api-keys", json!({"name": format!("k{n}")})).await.expect(201);
        budi.post("/v1/api-keys", json!({"name": format!("k{n}")})).await.expect(201);
    }
    ani.post("/v1/api-keys", json!({"name": ""})).await.expect(422);
    assert_eq!(entries(&ani, "limit=2").await.len(), 6);
    assert_eq!(entries(&gateway.admin, "limit=2&action=apiKey.create").await.len(), 7);
    assert_eq!(entries(&gateway.admin, "action=account.register").await.len(), 2);
    let actor = session["account"]["id"].as_str().unwrap();
    assert_eq!(entries(&gateway.admin, &format!("limit=1&actorId={actor}")).await.len(), 6);
    assert_eq!(entries(&gateway.admin, "outcome=denied").await.len(), 1);
    assert_eq!(entries(&ani, "outcome=denied&limit=1").await.len(), 1);
    assert_eq!(entries(&ani, "since=2100-01-01T00:00:00Z").await.len(), 0);
    let bad = ani.get("/v1/audit-log?outcome=maybe").await;
    bad.expect_problem(422, "validation_failed").naming("outcome", "wrong_type");
}

#[tokio::test]
async fn logins_are_in_it_with_who_was_tried_and_no_secret_ever_is() {
    let gateway = Gateway::start().await;
    let (ani, session) = gateway.api.register("ani@example.com").await;
    let login = json!({"email": "ani@example.com", "password": "a wrong secret"});
    gateway.api.post("/v1/auth/login", login).await.expect(401);
    let login = json!({"email": "ani@example.com", "password": "correct horse"});
    let second = gateway.api.post("/v1/auth/login", login).await.expect(200).json;
    // A secret in the wrong place: in a path, as an address.
    let key = ani.post("/v1/api-keys", json!({"name": "shop"})).await.expect(201).json;
    let key = key["key"].as_str().unwrap();
    ani.delete(&format!("/v1/api-keys/{key}")).await.expect(404);
    gateway.api.delete("/v1/api-keys/from-a-stranger").await.expect(401);
    let login = json!({"email": "my secret password", "password": "x"});
    gateway.api.post("/v1/auth/login", login).await.expect(401);
    let change = json!({"currentPassword": "correct horse", "newPassword": "battery staple"});
    ani.post("/v1/me/password", change).await.expect(204);

    let tried = entries(&gateway.admin, "action=auth.login").await;
    assert_eq!(tried.len(), 4);
    let tried = &tried[1..];
    assert_eq!((&tried[0]["outcome"], &tried[0]["actorId"]), (&json!("success"), &session["account"]["id"]));
    assert_eq!((&tried[1]["outcome"], &tried[1]["actorId"]), (&json!("denied"), &json!(null)));
    // The address itself is not there, and yet it can be looked for.
    assert!(tried[1]["target"].as_str().unwrap().starts_with("email:"));
    let of_ani = entries(&gateway.admin, "action=auth.login&target=ANI@example.com").await;
    assert_eq!(of_ani, tried);
    assert!(entries(&gateway.admin, "target=budi@example.com").await.is_empty());
    let whole = gateway.dump("audit").await.to_string();
    let token = second["accessToken"].as_str().unwrap();
    for secret in [
        "a wrong secret",
        "correct horse",
        "battery staple",
        token,
        key,
        "from-a-stranger",
        "my secret",
        "ani@",
    ] {
        assert!(!whole.contains(secret), "{secret} is in the audit log");
    }
}
