//! `/v1/users`

use serde_json::{Value, json};
use tests::{Api, Gateway, eventually};

fn path(account: &Value) -> String {
    format!("/v1/users/{}", account["id"].as_str().unwrap())
}

async fn login(gateway: &Gateway, email: &str, password: &str) -> Api {
    let body = json!({"email": email, "password": password});
    let session = gateway.api.post("/v1/auth/login", body).await.expect(200).json;
    gateway.api.with_token(session["accessToken"].as_str().unwrap())
}

#[tokio::test]
async fn an_administrator_makes_accounts_also_while_registration_is_closed() {
    let gateway = Gateway::start_with(&[("KURIR_REGISTRATION", "closed")]).await;
    let body = json!({"email": "Op@example.com", "password": "correct horse", "name": "Op", "role": "operator", "plan": "pro"});
    let made = gateway.admin.post("/v1/users", body.clone()).await.expect(201);
    assert_eq!(made.json["email"], "op@example.com");
    assert_eq!((&made.json["role"], &made.json["plan"]), (&json!("operator"), &json!("pro")));
    assert_eq!(made.header("location"), path(&made.json));
    assert_eq!(gateway.admin.get(&path(&made.json)).await.expect(200).json, made.json);
    gateway.admin.post("/v1/users", body).await.expect_problem(409, "email_taken");
    let op = login(&gateway, "op@example.com", "correct horse").await;
    op.get("/v1/users").await.expect_problem(403, "forbidden");
    for (body, field, code) in [
        (json!({"email": "x", "password": "correct horse", "name": "X"}), "email", "email_invalid"),
        (json!({"email": "x@example.com", "password": "short", "name": "X"}), "password", "too_short"),
        (
            json!({"email": "x@example.com", "password": "correct horse", "name": "X", "plan": "gold"}),
            "plan",
            "plan_unknown",
        ),
        (
            json!({"email": "x@example.com", "password": "correct horse", "name": "X", "role": "god"}),
            "role",
            "wrong_type",
        ),
    ] {
        let answer = gateway.admin.post("/v1/users", body).await;
        answer.expect_problem(422, "validation_failed").naming(field, code);
    }
    // Nothing was half made: the address is free.
    let body = json!({"email": "x@example.com", "password": "correct horse", "name": "X"});
    gateway.admin.post("/v1/users", body).await.expect(201);
}

#[tokio::test]
async fn accounts_are_listed_by_filter_and_in_pages() {
    let gateway = Gateway::start().await;
    for n in 0..5 {
        let role = if n % 2 == 0 { "operator" } else { "readonly" };
        let body = json!({"email": format!("u{n}@example.com"), "password": "correct horse", "name": "U", "role": role});
        gateway.admin.post("/v1/users", body).await.expect(201);
    }
    let emails = async |query: &str| {
        let (mut found, mut next) = (Vec::new(), format!("/v1/users?{query}"));
        loop {
            let page = gateway.admin.get(&next).await.expect(200).json;
            found.extend(
                page["items"].as_array().unwrap().iter().map(|u| u["email"].as_str().unwrap().to_owned()),
            );
            match &page["nextCursor"] {
                Value::String(cursor) => next = format!("/v1/users?{query}&cursor={cursor}"),
                _ => return found,
            }
        }
    };
    assert_eq!(emails("limit=2").await.len(), 6);
    assert_eq!(emails("limit=1&role=operator").await, ["u0@example.com", "u2@example.com", "u4@example.com"]);
    assert_eq!(emails("email=U3").await, ["u3@example.com"]);
    assert_eq!(emails("active=false").await, Vec::<String>::new());
    assert_eq!(emails("plan=enterprise").await, Vec::<String>::new());
    let bad = gateway.admin.get("/v1/users?role=god").await;
    bad.expect_problem(422, "validation_failed").naming("role", "wrong_type");
}

#[tokio::test]
async fn a_deactivated_account_is_locked_out_at_once_and_let_in_again() {
    let gateway = Gateway::start().await;
    let (ani, session) = gateway.api.register("ani@example.com").await;
    let key = ani.post("/v1/api-keys", json!({"name": "shop"})).await.expect(201).json;
    let shop = gateway.api.with_key(key["key"].as_str().unwrap());
    shop.get("/v1/me").await.expect(200);
    let user = path(&session["account"]);
    gateway.admin.patch(&user, json!({"active": false})).await.expect(200);
    ani.get("/v1/me").await.expect_problem(401, "unauthenticated");
    shop.get("/v1/me").await.expect_problem(401, "unauthenticated");
    let refresh = json!({"refreshToken": session["refreshToken"]});
    gateway.api.post("/v1/auth/refresh", refresh.clone()).await.expect_problem(401, "unauthenticated");
    let body = json!({"email": "ani@example.com", "password": "correct horse"});
    gateway.api.post("/v1/auth/login", body).await.expect_problem(401, "unauthenticated");

    gateway.admin.patch(&user, json!({"active": true})).await.expect(200);
    shop.get("/v1/me").await.expect(200);
    login(&gateway, "ani@example.com", "correct horse").await.get("/v1/me").await.expect(200);
    // The tokens from before stay ended.
    ani.get("/v1/me").await.expect_problem(401, "unauthenticated");
    gateway.api.post("/v1/auth/refresh", refresh).await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn a_lower_role_holds_at_once_for_tokens_and_keys() {
    let gateway = Gateway::start().await;
    let body = json!({"email": "b@example.com", "password": "correct horse", "name": "B", "role": "admin"});
    let second = gateway.admin.post("/v1/users", body).await.expect(201).json;
    let boss = login(&gateway, "b@example.com", "correct horse").await;
    let key = boss.post("/v1/api-keys", json!({"name": "k"})).await.expect(201).json;
    let key = gateway.api.with_key(key["key"].as_str().unwrap());
    key.get("/v1/users").await.expect(200);
    gateway.admin.patch(&path(&second), json!({"role": "user"})).await.expect(200);
    key.get("/v1/users").await.expect_problem(403, "forbidden");
    boss.get("/v1/users").await.expect_problem(401, "unauthenticated");
    login(&gateway, "b@example.com", "correct horse")
        .await
        .get("/v1/users")
        .await
        .expect_problem(403, "forbidden");
}

#[tokio::test]
async fn changes_at_the_same_time_all_hold() {
    let gateway = Gateway::start().await;
    let (_, session) = gateway.api.register("ani@example.com").await;
    let user = path(&session["account"]);
    for round in 0..5 {
        let (name, plan) = (format!("Ani {round}"), if round % 2 == 0 { "pro" } else { "max" });
        let (one, two) = (json!({"name": name}), json!({"plan": plan}));
        let (one, two) = tokio::join!(gateway.admin.patch(&user, one), gateway.admin.patch(&user, two));
        assert_eq!((one.status, two.status), (200, 200));
        let now = gateway.admin.get(&user).await.expect(200).json;
        assert_eq!((&now["name"], &now["plan"]), (&json!(name), &json!(plan)));
    }
}

#[tokio::test]
async fn the_last_administrator_cannot_remove_itself_however_it_tries() {
    let gateway = Gateway::start().await;
    let me = gateway.admin.get("/v1/me").await.expect(200).json;
    for change in [json!({"role": "user"}), json!({"active": false})] {
        gateway.admin.patch(&path(&me), change).await.expect_problem(409, "last_admin");
    }
    gateway.admin.delete(&path(&me)).await.expect_problem(409, "last_admin");
    gateway.admin.get("/v1/users").await.expect(200);

    // Of two, one may go; and both at once may not.
    let body = json!({"email": "b@example.com", "password": "correct horse", "name": "B", "role": "admin"});
    let second = gateway.admin.post("/v1/users", body).await.expect(201).json;
    let other = login(&gateway, "b@example.com", "correct horse").await;
    let (mine, its) = (path(&me), path(&second));
    let (one, two) = tokio::join!(
        gateway.admin.patch(&mine, json!({"role": "user"})),
        other.patch(&its, json!({"role": "user"})),
    );
    let done = [&one, &two].iter().filter(|answer| answer.status == 200).count();
    assert_eq!(done, 1, "{} {}", one.json, two.json);
}

#[tokio::test]
async fn a_deleted_account_is_gone_at_once_erased_in_the_background_and_says_when() {
    let gateway = Gateway::start().await;
    let phone = gateway.phone("+6281234567890", "Ani").await;
    let (ani, session) = gateway.api.register("ani@example.com").await;
    let key = ani.post("/v1/api-keys", json!({"name": "shop"})).await.expect(201).json;
    let device = ani.device("Ani's").await;
    let qr = ani.qr(&device).await;
    phone.scan(&qr).await;
    ani.device_becomes(&device, "connected").await;
    let message = ani.send_text(&device, "+6281234567890", "to myself").await;
    ani.message_becomes(&message, "sent").await;
    let account = session["account"]["id"].as_str().unwrap();
    let wrong = json!({"email": "ani@example.com", "password": "a guess"});
    gateway.api.post("/v1/auth/login", wrong).await.expect(401);

    let user = path(&session["account"]);
    let deleted = gateway.admin.delete(&user).await.expect(202);
    assert_eq!(deleted.json["status"], "running");
    let erasure = deleted.header("location").to_owned();
    ani.get("/v1/me").await.expect_problem(401, "unauthenticated");
    let shop = gateway.api.with_key(key["key"].as_str().unwrap());
    shop.get("/v1/me").await.expect_problem(401, "unauthenticated");
    gateway.admin.get(&user).await.expect_problem(404, "not_found");
    gateway.admin.delete(&user).await.expect_problem(404, "not_found");
    gateway.admin.patch(&user, json!({"active": true})).await.expect_problem(404, "not_found");
    let listed = gateway.admin.get("/v1/users?email=ani").await.expect(200).json;
    assert_eq!(listed["items"], json!([]));

    let done = eventually("the erasure is done", async || {
        let erasure = gateway.admin.get(&erasure).await.expect(200).json;
        (erasure["status"] == "done").then_some(erasure)
    })
    .await;
    assert!(done["finishedAt"].as_str() > done["requestedAt"].as_str());
    let links = gateway.api.get("/sandbox/phones/6281234567890").await.expect(200).json["links"].clone();
    assert_eq!(links, json!([]), "the phone still lists the device");
    for table in [
        "api-keys",
        "refresh-tokens",
        "devices",
        "session-keys",
        "messages",
        "chats",
        "contacts",
        "counters",
        "commands",
    ] {
        let rows = gateway.dump(table).await.to_string();
        assert!(!rows.contains(account), "{table} still has {rows}");
    }
    for table in ["accounts", "audit", "counters"] {
        let rows = gateway.dump(table).await.to_string();
        assert!(!rows.contains("ani@example.com"), "{table} still has {rows}");
    }
    // The address is free again, and the old token still is nobody's.
    gateway.api.register("ani@example.com").await;
    ani.get("/v1/me").await.expect_problem(401, "unauthenticated");
}
