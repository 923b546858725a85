//! Another tenant's things are not there.

use functions::route::Access;
use serde_json::{Value, json};
use shared::domain::role::Role;
use tests::{Api, Gateway, example, filled};

#[tokio::test]
async fn every_route_with_an_id_hides_another_tenants_things() {
    let gateway = Gateway::start().await;
    let (ani, session) = gateway.api.register("ani@example.com").await;
    let (budi, budis) = gateway.api.register("budi@example.com").await;
    gateway.admin.plan(&session["account"], "enterprise").await;
    gateway.admin.plan(&budis["account"], "enterprise").await;
    let device = ani.device("Ani's").await;
    let message = ani.send_text(&device, "+6281234567890", "private").await;
    let key = ani.post("/v1/api-keys", json!({"name": "Ani's"})).await.expect(201).json;
    let webhook = ani.webhook("https://example.com/", &["*"]).await;
    let number = json!({"phoneNumber": "+6281234567890"});
    ani.post(&format!("/v1/devices/{device}/pairing-code"), number).await.expect(200);
    let command = gateway.first_row("commands").await["id"]["S"].as_str().map(str::to_owned);

    let mut tried = 0;
    for route in functions::routes::all() {
        let Access::Needs(permission) = route.rule.access else { continue };
        // What administrators alone see is no tenant's.
        if !route.path.contains('{') || !Role::Owner.allows(permission) {
            continue;
        }
        let path = filled(&route, |prefix| match prefix {
            "dev_" => device.clone(),
            "msg_" => message["id"].as_str().unwrap().to_owned(),
            "key_" => key["id"].as_str().unwrap().to_owned(),
            "acc_" => session["account"]["id"].as_str().unwrap().to_owned(),
            "cmd_" => command.clone().expect("a pairing code makes a command"),
            "whk_" => webhook["id"].as_str().unwrap().to_owned(),
            "dlv_" => "dlv_01M7XV57GBZ89BFE1MY4WYHDM6".into(),
            "" => "6281234567890".into(),
            other => panic!("whose ids begin with {other}?"),
        });
        let before = state(&ani, &device).await;
        let request = budi.request(route.method.clone(), &path);
        let request = match example(&route) {
            Some(body) => request.json(body),
            None => request,
        };
        budi.send(request).await.expect_problem(404, "not_found");
        assert_eq!(state(&ani, &device).await, before, "{} {path} had an effect", route.method);
        tried += 1;
    }
    assert!(tried >= 14, "only {tried} routes were tried");
    assert_eq!(budi.get("/v1/devices").await.expect(200).json["items"], json!([]));
    ani.with_key(key["key"].as_str().unwrap()).get("/v1/me").await.expect(200);
    let theirs = ani.get(&format!("/v1/webhooks/{}", webhook["id"].as_str().unwrap())).await.expect(200).json;
    assert_eq!(theirs["updatedAt"], webhook["updatedAt"]);
}

#[tokio::test]
async fn another_tenants_key_and_cursor_are_of_no_use() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let (budi, _) = gateway.api.register("budi@example.com").await;
    let key = ani.post("/v1/api-keys", json!({"name": "shop"})).await.expect(201).json;
    let path = format!("/v1/api-keys/{}", key["id"].as_str().unwrap());
    budi.delete(&path).await.expect_problem(404, "not_found");
    gateway.api.with_key(key["key"].as_str().unwrap()).get("/v1/me").await.expect(200);

    ani.post("/v1/api-keys", json!({"name": "office"})).await.expect(201);
    let page = ani.get("/v1/api-keys?limit=1").await.expect(200).json;
    let stolen = format!("/v1/api-keys?limit=1&cursor={}", page["nextCursor"].as_str().unwrap());
    budi.get(&stolen).await.expect_problem(422, "validation_failed").naming("cursor", "cursor_invalid");
    ani.get(&stolen).await.expect(200);
}

/// What the owner sees of a device.
async fn state(owner: &Api, device: &str) -> Vec<Value> {
    let mut seen = Vec::new();
    for path in ["", "/chats", "/chats/6281234567890/messages"] {
        let mut answer = owner.get(&format!("/v1/devices/{device}{path}")).await.expect(200).json;
        if path.is_empty() {
            // The connector goes on by itself.
            answer = json!([answer["id"], answer["name"], answer["pacing"]]);
        }
        seen.push(answer);
    }
    seen
}
