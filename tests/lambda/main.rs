//! Lambda for real: the built functions, as processes of their own, answer events of API Gateway through
//! a Runtime API, over the same store as a running gateway.

mod definitions;
mod event;
mod events;
mod function;
mod mistakes;
mod runtime_api;
mod webhooks;

use event::Event;
use function::Function;
use serde_json::{Value, json};
use tests::{Gateway, eventually};

/// In front of the names of tables and queues; not the default, so that both sides must have read it.
const PREFIX: &str = "lambda-";

const PASSWORD: &str = "correct horse";

async fn gateway() -> Gateway {
    Gateway::start_with(&[("KURIR_PREFIX", PREFIX)]).await
}

/// Registers somebody through the `auth` function, who logs in; the session.
async fn register(auth: &mut Function, email: &str) -> Value {
    let person = json!({"email": email, "password": PASSWORD, "name": "Ani"});
    auth.call(&Event::post("/v1/auth/register", &person)).await.expect(202);
    log_in(auth, email).await
}

async fn log_in(auth: &mut Function, email: &str) -> Value {
    let login = json!({"email": email, "password": PASSWORD});
    auth.call(&Event::post("/v1/auth/login", &login)).await.expect(200).json
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

#[tokio::test]
async fn a_person_registers_and_works_through_the_functions_and_the_gateway_alike() {
    let gateway = gateway().await;
    let mut auth = Function::start("auth", &gateway).await;
    let session = register(&mut auth, "ani@example.com").await;
    let token = text(&session["accessToken"]);
    let here = gateway.api.with_token(token);

    let mut accounts = Function::start("accounts", &gateway).await;
    gateway.admin.plan(&session["account"], "pro").await;
    let me = accounts.call(&Event::get("/v1/me").token(token)).await.expect(200).json;
    assert_eq!(me["email"], "ani@example.com");
    assert_eq!(here.get("/v1/me").await.expect(200).json, me);

    let mut devices = Function::start("devices", &gateway).await;
    let event = Event::post("/v1/devices", &json!({"name": "made by a function"})).token(token);
    let made = devices.call(&event).await.expect(201);
    let path = format!("/v1/devices/{}", text(&made.json["id"]));
    assert_eq!(made.header("location"), path);
    assert_eq!(here.get(&path).await.expect(200).json, made.json);

    let id = here.device("made by the gateway").await;
    let other = devices.call(&Event::get(&format!("/v1/devices/{id}")).token(token)).await.expect(200).json;
    assert_eq!(other["name"], "made by the gateway");

    // An API key works where the token does.
    let event = Event::post("/v1/api-keys", &json!({"name": "for the shop"})).token(token);
    let key = accounts.call(&event).await.expect(201).json["key"].clone();
    let event = Event::get(&path).header("x-api-key", text(&key));
    assert_eq!(devices.call(&event).await.expect(200).json["name"], "made by a function");
    assert_eq!(gateway.api.with_key(text(&key)).get(&path).await.expect(200).json, made.json);
}

#[tokio::test]
async fn a_list_is_paged_by_the_query_of_the_event_and_the_gateway_goes_on_where_the_function_stopped() {
    let gateway = gateway().await;
    let mut auth = Function::start("auth", &gateway).await;
    let session = register(&mut auth, "ani@example.com").await;
    let token = text(&session["accessToken"]);
    let here = gateway.api.with_token(token);
    gateway.admin.plan(&session["account"], "pro").await;
    let mut ids = [here.device("first").await, here.device("second").await];

    let mut devices = Function::start("devices", &gateway).await;
    let page = devices.call(&Event::get("/v1/devices?limit=1").token(token)).await.expect(200).json;
    let rest = format!("/v1/devices?limit=1&cursor={}", text(&page["nextCursor"]));
    let by_function = devices.call(&Event::get(&rest).token(token)).await.expect(200).json;
    let by_gateway = here.get(&rest).await.expect(200).json;
    assert_eq!(by_function["items"], by_gateway["items"]);

    let mut listed = [text(&page["items"][0]["id"]), text(&by_gateway["items"][0]["id"])];
    listed.sort_unstable();
    ids.sort_unstable();
    assert_eq!(listed, ids);
}

#[tokio::test]
async fn a_device_is_linked_and_sends_through_the_functions() {
    let gateway = gateway().await;
    let (own, other) =
        (gateway.phone("6281100000001", "Ani").await, gateway.phone("6281100000002", "Budi").await);
    let mut auth = Function::start("auth", &gateway).await;
    let session = register(&mut auth, "ani@example.com").await;
    let token = text(&session["accessToken"]);

    let mut devices = Function::start("devices", &gateway).await;
    let pacing = json!({"minDelayMs": 0, "maxDelayMs": 0});
    let event = Event::post("/v1/devices", &json!({"name": "shop", "pacing": pacing})).token(token);
    let path = format!("/v1/devices/{}", text(&devices.call(&event).await.expect(201).json["id"]));
    devices.call(&Event::new("POST", &format!("{path}/connect")).token(token)).await.expect(202);
    let ask = Event::get(&format!("{path}/qr")).token(token);
    let qr = eventually("a QR code", async || {
        let answer = devices.call(&ask).await;
        (answer.status == 200).then_some(answer.json)
    });
    own.scan(text(&qr.await["qr"])).await;
    let ask = Event::get(&path).token(token);
    eventually("the device is connected", async || {
        (devices.call(&ask).await.expect(200).json["status"] == "connected").then_some(())
    })
    .await;

    let mut messages = Function::start("messages", &gateway).await;
    let body = json!({"to": "+6281100000002", "type": "text", "text": {"body": "Halo dari Lambda"}});
    let event = Event::post(&format!("{path}/messages"), &body).token(token).header("prefer", "wait=20");
    let message = messages.call(&event).await.expect(202).json;
    // The other side may have answered already.
    assert!(["sent", "delivered"].contains(&text(&message["status"])), "{message}");
    other.receives("Halo dari Lambda").await;
    other.send_text("6281100000001", "Halo juga").await;

    let mut queries = Function::start("queries", &gateway).await;
    let ask = Event::get(&format!("{path}/chats/6281100000002@s.whatsapp.net/messages")).token(token);
    let history = eventually("both messages in the chat", async || {
        let page = queries.call(&ask).await.expect(200).json;
        let items = page["items"].as_array().cloned().unwrap_or_default();
        (items.len() == 2).then_some(items)
    })
    .await;
    assert_eq!(
        (&history[0]["direction"], &history[0]["text"]["body"]),
        (&json!("incoming"), &json!("Halo juga"))
    );
    assert_eq!(history[1]["id"], message["id"]);
    let chats = queries.call(&Event::get(&format!("{path}/chats")).token(token)).await.expect(200).json;
    assert_eq!(chats["items"].as_array().map(Vec::len), Some(1), "{chats}");
    assert_eq!(chats["items"][0]["lastMessagePreview"], "Halo juga", "{chats}");
}

#[tokio::test]
async fn a_message_that_a_function_accepts_is_seen_by_the_others() {
    let gateway = gateway().await;
    let mut auth = Function::start("auth", &gateway).await;
    let session = register(&mut auth, "ani@example.com").await;
    let token = text(&session["accessToken"]);
    let here = gateway.api.with_token(token);
    let path = format!("/v1/devices/{}", here.device("shop").await);

    let mut messages = Function::start("messages", &gateway).await;
    let body = json!({"to": "+6281100000002", "type": "text", "text": {"body": "Selamat pagi 🌅"}});
    let event =
        Event::post(&format!("{path}/messages"), &body).token(token).header("idempotency-key", "order-7");
    let accepted = messages.call(&event).await.expect(202);
    let place = format!("{path}/messages/{}", text(&accepted.json["id"]));
    assert_eq!(accepted.header("location"), place);
    let same_text = |json: &Value| {
        assert_eq!(json["id"], accepted.json["id"]);
        assert_eq!(json["text"]["body"], "Selamat pagi 🌅");
    };
    same_text(&messages.call(&Event::get(&place).token(token)).await.expect(200).json);
    same_text(&here.get(&place).await.expect(200).json);

    // The same key does not send again, whichever way it comes.
    same_text(&messages.call(&event).await.expect(202).json);
    let again = here.request(http::Method::POST, &format!("{path}/messages"));
    same_text(&here.send(again.header("idempotency-key", "order-7").json(&body)).await.expect(202).json);

    let mut queries = Function::start("queries", &gateway).await;
    let jid = "6281100000002@s.whatsapp.net";
    let history = Event::get(&format!("{path}/chats/{jid}/messages")).token(token);
    let history = queries.call(&history).await.expect(200).json;
    assert_eq!(history["items"].as_array().map(Vec::len), Some(1), "{history}");
    same_text(&history["items"][0]);
}

#[tokio::test]
async fn what_is_wrong_is_answered_as_everywhere() {
    let gateway = gateway().await;
    let mut auth = Function::start("auth", &gateway).await;
    let bad = Event::new("POST", "/v1/auth/login").text("{\"email\": ");
    auth.call(&bad).await.expect_problem(400, "bad_json");
    auth.call(&Event::new("POST", "/v1/auth/login")).await.expect_problem(400, "bad_json");
    let incomplete = Event::post("/v1/auth/login", &json!({"email": "ani@example.com"}));
    auth.call(&incomplete).await.expect_problem(422, "validation_failed").naming("password", "missing");
    auth.call(&Event::get("/v1/auth/nothing")).await.expect_problem(404, "not_found");
    auth.call(&Event::get("/v1/auth/login")).await.expect_problem(405, "method_not_allowed");
    let large = Event::post("/v1/auth/login", &json!({"email": "a".repeat(1024 * 1024)}));
    auth.call(&large).await.expect_problem(413, "payload_too_large");

    let mut accounts = Function::start("accounts", &gateway).await;
    let answer = accounts.call(&Event::get("/v1/me")).await.expect_problem(401, "unauthenticated");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    accounts.call(&Event::get("/v1/me").token("forged")).await.expect_problem(401, "unauthenticated");
    let named = Event::get("/v1/me").header("x-request-id", "shop-00000001");
    let answer = accounts.call(&named).await.expect_problem(401, "unauthenticated");
    assert_eq!(answer.json["requestId"], "shop-00000001");
}

#[tokio::test]
async fn a_body_in_base64_is_read_like_any_other() {
    let gateway = gateway().await;
    let mut auth = Function::start("auth", &gateway).await;
    let person = json!({"email": "ani@example.com", "password": PASSWORD, "name": "Ani Sürya 🌅"});
    let event = Event::post("/v1/auth/register", &person).in_base64();
    assert_ne!(event.payload()["body"], person.to_string());
    auth.call(&event).await.expect(202);
    let session = log_in(&mut auth, "ani@example.com").await;
    let me = gateway.api.with_token(text(&session["accessToken"])).get("/v1/me").await.expect(200).json;
    assert_eq!(me["name"], "Ani Sürya 🌅");
    auth.call(&Event::new("POST", "/v1/auth/login").text("{").in_base64())
        .await
        .expect_problem(400, "bad_json");
}

#[tokio::test]
async fn a_qr_code_comes_as_text_and_as_either_picture() {
    let gateway = gateway().await;
    let mut auth = Function::start("auth", &gateway).await;
    let session = register(&mut auth, "ani@example.com").await;
    let token = text(&session["accessToken"]);
    let here = gateway.api.with_token(token);
    let mut devices = Function::start("devices", &gateway).await;

    let device = here.device("shop").await;
    let ask = Event::get(&format!("/v1/devices/{device}/qr")).token(token);
    devices.call(&ask).await.expect_problem(409, "qr_not_ready");
    let qr = here.qr(&device).await;
    let answer = devices.call(&ask).await.expect(200);
    assert_eq!(answer.json["qr"], qr.as_str());
    assert_eq!(answer.header("cache-control"), "no-store");

    for (kind, in_base64) in [("image/png", true), ("image/svg+xml", false)] {
        let ask = ask.clone().header("accept", kind);
        let raw = devices.invoke(&ask).await;
        assert_eq!(raw["isBase64Encoded"], in_base64, "{kind}");
        let picture = devices.call(&ask).await.expect(200);
        assert_eq!(picture.header("content-type"), kind);
        let request = here.request(http::Method::GET, &format!("/v1/devices/{device}/qr"));
        let same = here.send(request.header("accept", kind)).await.expect(200);
        assert_eq!(picture.bytes, same.bytes, "{kind} is the picture of the gateway");
        let begin: &[u8] = if in_base64 { b"\x89PNG\r\n\x1a\n" } else { b"<?xml" };
        assert!(picture.bytes.starts_with(begin), "{kind}");
    }
}

#[tokio::test]
async fn each_function_serves_its_own_routes_and_no_others() {
    const ROUTES: [(&str, &str, &str); 9] = [
        ("auth", "POST", "/v1/auth/login"),
        ("auth", "POST", "/v1/auth/refresh"),
        ("accounts", "GET", "/v1/me"),
        ("accounts", "GET", "/v1/api-keys"),
        ("devices", "GET", "/v1/devices"),
        ("messages", "POST", "/v1/devices/dev_01JZZZZZZZZZZZZZZZZZZZZZZZ/messages"),
        ("queries", "GET", "/v1/devices/dev_01JZZZZZZZZZZZZZZZZZZZZZZZ/chats"),
        ("queries", "GET", "/v1/health"),
        ("webhooks", "GET", "/v1/webhooks"),
    ];
    let gateway = gateway().await;
    for name in ["auth", "accounts", "devices", "messages", "queries", "webhooks"] {
        let mut function = Function::start(name, &gateway).await;
        for (owner, method, path) in ROUTES {
            let answer = function.call(&Event::new(method, path)).await;
            if owner == name {
                assert!(
                    [200, 400, 401].contains(&answer.status),
                    "{name} does not serve {path}: {}",
                    answer.json
                );
            } else {
                answer.expect_problem(404, "not_found");
            }
        }
        function.stop().await;
    }
}

#[tokio::test]
async fn a_warm_function_answers_one_event_after_another_and_stops_at_once() {
    let gateway = gateway().await;
    let mut auth = Function::start("auth", &gateway).await;
    let mut token = text(&register(&mut auth, "ani@example.com").await["refreshToken"]).to_owned();
    let mut ids = Vec::new();
    for _ in 0..5 {
        let event = Event::post("/v1/auth/refresh", &json!({"refreshToken": token}));
        let answer = auth.call(&event).await.expect(200);
        token = text(&answer.json["refreshToken"]).to_owned();
        ids.push(answer.header("x-request-id").to_owned());
    }
    let bad = Event::new("POST", "/v1/auth/login").text("{");
    auth.call(&bad).await.expect_problem(400, "bad_json");
    let out = Event::post("/v1/auth/logout", &json!({"refreshToken": token}));
    let answer = auth.call(&out).await.expect(204);
    assert!(answer.bytes.is_empty());
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 5, "every request has an id of its own");
    auth.stop().await;
}

#[tokio::test]
async fn a_function_without_master_key_says_what_it_lacks_and_ends() {
    let mut auth = Function::launch("auth", &[]).await;
    assert!(!auth.ended().await.success());
    assert!(auth.log().contains("KURIR_MASTER_KEY is not set"), "{}", auth.log());
}
