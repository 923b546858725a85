//! Another tenant's things are not there.

use axum::http::Method;
use functions::route::Access;
use serde_json::{Value, json};
use shared::domain::{permissions::Permission, role::Role};
use tests::{Api, Gateway, example, filled};

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

#[tokio::test]
async fn every_route_with_an_id_hides_what_is_not_the_callers() {
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

    let tenant = session["account"]["tenantId"].as_str().unwrap();
    // Who is in the tenant, and sees another device alone; who may act in it, and does not say so.
    let other = ani.device("another").await;
    let bound = json!({"name": "bound", "deviceIds": [other]});
    let bound = ani.post("/v1/api-keys", bound).await.expect(201).json;
    let bound = gateway.api.with_key(bound["key"].as_str().unwrap());
    let acting = gateway.admin.acting_in(tenant);

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
        let ask = async |caller: &Api| {
            let request = caller.request(route.method.clone(), &path);
            let request = match example(&route) {
                Some(body) => request.json(body),
                None => request,
            };
            caller.send(request).await
        };
        for stranger in [&budi, &gateway.admin] {
            ask(stranger).await.expect_problem(404, "not_found");
        }
        match permission.is_of_devices() {
            true => ask(&bound).await.expect_problem(404, "not_found"),
            false => ask(&bound).await.expect_problem(403, "forbidden"),
        };
        assert_eq!(state(&ani, &device).await, before, "{} {path} had an effect", route.method);
        // What only looks is there for an administrator who says for whom it acts, as it is for the owner.
        if route.method == Method::GET && !route.path.ends_with("/qr") {
            let (own, acted) = (ask(&ani).await, ask(&acting).await);
            assert_eq!((acted.status, &acted.json["code"]), (own.status, &own.json["code"]), "{path}");
        }
        tried += 1;
    }
    assert!(tried >= 14, "only {tried} routes were tried");
    ani.with_key(key["key"].as_str().unwrap()).get("/v1/me").await.expect(200);
    let theirs = ani.get(&format!("/v1/webhooks/{}", webhook["id"].as_str().unwrap())).await.expect(200).json;
    assert_eq!(theirs["updatedAt"], webhook["updatedAt"]);
}

#[tokio::test]
async fn no_list_shows_what_is_not_the_callers() {
    let gateway = Gateway::start().await;
    let (ani, session) = gateway.api.register("ani@example.com").await;
    let (budi, _) = gateway.api.register("budi@example.com").await;
    gateway.admin.plan(&session["account"], "enterprise").await;
    let (device, other) = (ani.device("Ani's").await, ani.device("another").await);
    let message = ani.send_text(&device, "+6281234567890", "private").await;
    ani.webhook("https://example.com/", &["*"]).await;
    ani.qr(&device).await;
    let bound =
        ani.post("/v1/api-keys", json!({"name": "bound", "deviceIds": [other]})).await.expect(201).json;
    let bound = gateway.api.with_key(bound["key"].as_str().unwrap());
    let tenant = session["account"]["tenantId"].as_str().unwrap();
    let acting = gateway.admin.acting_in(tenant);
    let (device, message) = (device.as_str(), message["id"].as_str().unwrap());

    let mut tried = 0;
    for route in functions::routes::all() {
        let Access::Needs(permission) = route.rule.access else { continue };
        // What streams does not end.
        if route.method != Method::GET || route.path.contains('{') || route.path == "/v1/events" {
            continue;
        }
        let seen = async |caller: &Api| {
            let answer = caller.get(&route.path).await;
            (answer.status, String::from_utf8_lossy(&answer.bytes).into_owned())
        };
        let (_, text) = seen(&budi).await;
        for id in [device, message, tenant] {
            assert!(!text.contains(id), "{} shows another tenant {text}", route.path);
        }
        let (status, text) = seen(&bound).await;
        assert_eq!(status == 403, !permission.is_of_devices(), "{}: {status}", route.path);
        for id in [device, message] {
            assert!(!text.contains(id), "{} shows a key another device: {text}", route.path);
        }
        // An administrator sees its own tenant, or the one that it names. What both see of the latter goes on.
        let own = permission != Permission::ManageTenants && permission != Permission::ViewOperations;
        if own && route.path != "/v1/audit-log" {
            let (_, text) = seen(&gateway.admin).await;
            assert!(!text.contains(device) && !text.contains(message), "{}: {text}", route.path);
            assert_eq!(seen(&acting).await.0, seen(&ani).await.0, "{}", route.path);
        }
        tried += 1;
    }
    assert!(tried >= 12, "only {tried} routes were tried");
    for path in ["/v1/tenant", "/v1/members", "/v1/api-keys", "/v1/webhooks", "/v1/dead-letters"] {
        assert_eq!(acting.get(path).await.expect(200).json, ani.get(path).await.expect(200).json, "{path}");
    }
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

#[tokio::test]
async fn a_key_that_is_bound_to_devices_sees_nothing_else() {
    let gateway = Gateway::start().await;
    let (ani, session) = gateway.api.register("ani@example.com").await;
    gateway.admin.plan(&session["account"], "enterprise").await;
    let (own, other) = (ani.device("own").await, ani.device("other").await);
    let key = ani.post("/v1/api-keys", json!({"name": "shop", "deviceIds": [own]})).await.expect(201).json;
    assert_eq!(key["deviceIds"], json!([own]));
    let listed = ani.get("/v1/api-keys").await.expect(200).json;
    assert_eq!(listed["items"][0]["deviceIds"], json!([own]));
    let bound = gateway.api.with_key(key["key"].as_str().unwrap());
    let seen = bound.get("/v1/devices").await.expect(200).json;
    assert_eq!(
        seen["items"].as_array().unwrap().iter().map(|of| &of["id"]).collect::<Vec<_>>(),
        [&json!(own)]
    );
    bound.send_text(&own, "+6281234567890", "Halo").await;
    bound.patch(&format!("/v1/devices/{own}"), json!({"name": "mine"})).await.expect(200);
    bound.get(&format!("/v1/devices/{other}")).await.expect_problem(404, "not_found");
    bound.post("/v1/devices", json!({"name": "more"})).await.expect_problem(403, "forbidden");

    // Of the events, too.
    for device in [&own, &other] {
        ani.qr(device).await;
    }
    tests::eventually("both are in the log", async || {
        let told =
            ani.get(&format!("/v1/events/history?deviceId={other}&types=qr.generated")).await.expect(200);
        (!told.json["items"].as_array().unwrap().is_empty()).then_some(())
    })
    .await;
    let told = bound.get("/v1/events/history?limit=100").await.expect(200).json;
    let told = told["items"].as_array().unwrap();
    assert!(!told.is_empty() && told.iter().all(|event| event["deviceId"] == own.as_str()), "{told:?}");

    let (stranger, _) = gateway.api.register("budi@example.com").await;
    let wrong = json!({"name": "x", "deviceIds": [own], "expiresAt": "2020-01-01T00:00:00Z"});
    let wrong = stranger.post("/v1/api-keys", wrong).await.expect_problem(422, "validation_failed");
    wrong.naming("deviceIds[0]", "device_unknown").naming("expiresAt", "in_the_past");
    // One whose devices are all gone does not see all.
    ani.delete(&format!("/v1/devices/{own}")).await.expect(204);
    assert_eq!(bound.get("/v1/devices").await.expect(200).json["items"], json!([]));
}

#[tokio::test]
async fn an_administrator_acts_in_the_tenant_that_it_names_and_nobody_else_does() {
    let gateway = Gateway::start().await;
    let (ani, session) = gateway.api.register("ani@example.com").await;
    let (budi, _) = gateway.api.register("budi@example.com").await;
    let tenant = session["account"]["tenantId"].as_str().unwrap();
    let acting = gateway.admin.acting_in(tenant);
    let device = acting.device("by the administrator").await;
    assert_eq!(ani.get("/v1/devices").await.expect(200).json["items"][0]["id"], device.as_str());
    assert_eq!(gateway.admin.get("/v1/devices").await.expect(200).json["items"], json!([]));
    assert_eq!(acting.get("/v1/tenant").await.expect(200).json["id"], tenant);
    assert_eq!(acting.get("/v1/members").await.expect(200).json["items"][0]["email"], "ani@example.com");
    // The log says who it was and for whom, and the tenant reads it.
    let entries = ani.get("/v1/audit-log?action=device.create").await.expect(200).json;
    let admin = gateway.admin.get("/v1/me").await.expect(200).json;
    let entry = &entries["items"][0];
    assert_eq!((&entry["actorId"], &entry["tenantId"]), (&admin["id"], &json!(tenant)));
    assert_eq!(entry["actorKind"], "administrator");
    let seen = acting.get("/v1/audit-log").await.expect(200).json;
    assert!(seen["items"].as_array().unwrap().iter().all(|entry| entry["tenantId"] == tenant));
    // An API key acts for a member.
    acting.post("/v1/api-keys", json!({"name": "x"})).await.expect_problem(403, "forbidden");

    budi.acting_in(tenant).get("/v1/devices").await.expect_problem(403, "forbidden");
    ani.acting_in(tenant).get("/v1/devices").await.expect(200);
    let wrong = gateway.admin.acting_in("acc_01M7XV57GBZ89BFE1MY4WYHDM6").get("/v1/devices").await;
    wrong.expect_problem(422, "validation_failed").naming("Kurir-Tenant", "id_invalid");
    let nowhere = gateway.admin.acting_in("ten_01M7XV57GBZ89BFE1MY4WYHDM6").get("/v1/devices").await;
    nowhere.expect_problem(404, "not_found");
    // Also where nobody else is let in.
    gateway.admin.patch(&Api::tenant_path(&session["account"]), json!({"active": false})).await.expect(200);
    acting.get("/v1/devices").await.expect(200);
    ani.get("/v1/devices").await.expect_problem(401, "unauthenticated");
}
