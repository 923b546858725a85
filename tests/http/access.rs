//! Every route and every role, against the table of permissions.

use axum::http::Method;
use functions::route::Access;
use serde_json::{Value, json};
use shared::domain::role::Role;
use tests::{Api, Gateway};

/// A path with ids that exist nowhere: what a permitted caller gets is then anything but 401 and 403.
fn filled(path: &str) -> String {
    let id = "01M7XV57GBZ89BFE1MY4WYHDM6";
    let kind = match path.trim_start_matches("/v1/admin").split('/').find(|part| !["", "v1"].contains(part)) {
        Some("devices") => "dev_",
        Some("members") => "acc_",
        Some("tenants") => "ten_",
        Some("api-keys") => "key_",
        Some("commands") => "cmd_",
        Some("workers") => "wrk_",
        Some("webhooks") => "whk_",
        _ => "",
    };
    path.replace("{id}", &format!("{kind}{id}"))
        .replace("{messageId}", &format!("msg_{id}"))
        .replace("{deliveryId}", &format!("dlv_{id}"))
        .replace("{jid}", "6281234567890")
}

/// A key with each role, of an administrator, so that no quota stands in the way.
async fn by_role(gateway: &Gateway) -> Vec<(Role, Api)> {
    let mut callers = Vec::new();
    for role in Role::ALL {
        let key = json!({"name": "x", "role": role});
        let key = gateway.admin.post("/v1/api-keys", key).await.expect(201).json;
        callers.push((role, gateway.api.with_key(key["key"].as_str().unwrap())));
    }
    callers
}

#[tokio::test]
async fn each_role_may_what_the_table_says_and_nothing_else() {
    let gateway = Gateway::start().await;
    let callers = by_role(&gateway).await;
    let mut seen = 0;
    for route in functions::routes::all() {
        let Access::Needs(permission) = route.rule.access else { continue };
        let path = filled(route.path);
        let nobody = gateway.api.send(gateway.api.request(route.method.clone(), &path)).await;
        nobody.expect_problem(401, "unauthenticated");
        for (role, caller) in &callers {
            let request = caller.request(route.method.clone(), &path);
            let request = if route.method == Method::GET { request } else { request.json(&json!({})) };
            // Only the status: what streams does not end.
            let answer =
                request.send().await.unwrap_or_else(|error| panic!("{path} does not answer: {error}"));
            let status = answer.status().as_u16();
            let allowed = ![401, 403].contains(&status);
            // These are keys of an administrator: one of a lower role ends none of its logins.
            let of_account = path != "/v1/auth/logout-all" || *role == Role::Admin;
            let may = role.allows(permission) && of_account;
            assert_eq!(allowed, may, "{role:?} at {} {path}: {status}", route.method);
            assert!(status < 500, "{} {path}: {status}", route.method);
            seen += 1;
        }
    }
    assert!(seen >= 4 * 25, "only {seen} pairs were tried");
}

#[test]
fn every_route_declares_who_may_use_it_and_only_the_door_is_public() {
    let routes = functions::routes::all();
    let public: Vec<_> =
        routes.iter().filter(|route| route.rule.access == Access::Public).map(|route| route.path).collect();
    let door = [
        "/v1/auth/register",
        "/v1/auth/login",
        "/v1/auth/refresh",
        "/v1/auth/logout",
        "/v1/auth/accept-invitation",
        "/v1/health",
        "/v1/openapi.json",
        "/docs",
        "/",
    ];
    for path in &public {
        assert!(door.contains(path), "{path} is public");
    }
    let mut pairs: Vec<_> = routes.iter().map(|route| (route.path, route.method.to_string())).collect();
    pairs.sort();
    let all = pairs.len();
    pairs.dedup();
    assert_eq!(pairs.len(), all, "a route is declared twice");
}

#[test]
fn whatever_changes_something_is_in_the_audit_log() {
    for route in functions::routes::all() {
        // A message is its own record, and a token is exchanged every quarter of an hour.
        let exempt = ["/v1/devices/{id}/messages", "/v1/auth/refresh"].contains(&route.path);
        let changes = route.method != Method::GET && !exempt;
        assert_eq!(route.rule.action.is_some(), changes, "{} {}", route.method, route.path);
    }
}

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
        // What administrators alone see is no tenant's.
        let shared = ["/v1/admin/", "/v1/workers"].iter().any(|path| route.path.starts_with(path));
        if !route.path.contains('{') || shared {
            continue;
        }
        let id = match route.path.split('/').nth(2) {
            Some("devices") => device.clone(),
            // Their paths name a message, as some of a device's do.
            Some("dead-letters") => String::new(),
            Some("api-keys") => key["id"].as_str().unwrap().to_owned(),
            Some("members") => session["account"]["id"].as_str().unwrap().to_owned(),
            Some("commands") => command.clone().expect("a pairing code makes a command"),
            Some("webhooks") => webhook["id"].as_str().unwrap().to_owned(),
            other => panic!("whose ids are in {other:?}?"),
        };
        let path = route.path.replace("{id}", &id).replace("{jid}", "6281234567890");
        let path = path.replace("{messageId}", message["id"].as_str().unwrap());
        let path = path.replace("{deliveryId}", "dlv_01M7XV57GBZ89BFE1MY4WYHDM6");
        let body = match route.path {
            "/v1/devices/{id}/messages" => {
                json!({"to": "+6281234567890", "type": "text", "text": {"body": "intruder"}})
            }
            "/v1/devices/{id}/pairing-code" => json!({"phoneNumber": "+6281234567890"}),
            "/v1/devices/{id}/connect" => json!({"allowNumberChange": true}),
            "/v1/webhooks/{id}" => json!({"active": false}),
            "/v1/webhooks/{id}/replay" => json!({"since": "2026-01-01T00:00:00Z"}),
            _ => json!({"name": "Budi's"}),
        };
        let before = state(&ani, &device).await;
        let request = budi.request(route.method.clone(), &path);
        let request = if route.method == Method::GET { request } else { request.json(&body) };
        budi.send(request).await.expect_problem(404, "not_found");
        assert_eq!(state(&ani, &device).await, before, "{} {path} had an effect", route.method);
        tried += 1;
    }
    assert!(tried >= 14, "only {tried} routes were tried");
    ani.with_key(key["key"].as_str().unwrap()).get("/v1/me").await.expect(200);
    let theirs = ani.get(&format!("/v1/webhooks/{}", webhook["id"].as_str().unwrap())).await.expect(200).json;
    assert_eq!(theirs["updatedAt"], webhook["updatedAt"]);
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
