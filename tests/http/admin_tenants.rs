//! `/v1/admin/tenants`

use serde_json::{Value, json};
use tests::{Api, Gateway, eventually};

fn path(tenant: &Value) -> String {
    format!("/v1/admin/tenants/{}", tenant["id"].as_str().unwrap())
}

#[tokio::test]
async fn an_administrator_makes_tenants_also_while_registration_is_closed() {
    let gateway = Gateway::start_with(&[("KURIR_REGISTRATION", "closed")]).await;
    let owner = json!({"email": "Op@example.com", "password": "correct horse", "name": "Op"});
    let body = json!({"name": "Shop", "plan": "pro", "owner": owner});
    let made = gateway.admin.post("/v1/admin/tenants", body.clone()).await.expect(201);
    assert_eq!((&made.json["name"], &made.json["plan"]), (&json!("Shop"), &json!("pro")));
    assert_eq!(made.json["owner"]["email"], "op@example.com");
    assert_eq!(
        (&made.json["owner"]["role"], &made.json["owner"]["tenantId"]),
        (&json!("owner"), &made.json["id"])
    );
    assert_eq!(made.header("location"), path(&made.json));
    let tenant = gateway.admin.get(&path(&made.json)).await.expect(200).json;
    let (op, _) = gateway.api.log_in("op@example.com").await;
    assert_eq!(op.get("/v1/tenant").await.expect(200).json, tenant);
    op.get("/v1/admin/tenants").await.expect_problem(403, "forbidden");
    gateway.admin.post("/v1/admin/tenants", body).await.expect_problem(409, "email_taken");
    let with = |owner: Value| json!({"name": "X", "owner": owner});
    for (body, field, code) in [
        (
            with(json!({"email": "x", "password": "correct horse", "name": "X"})),
            "owner.email",
            "email_invalid",
        ),
        (
            with(json!({"email": "x@example.com", "password": "short", "name": "X"})),
            "owner.password",
            "too_short",
        ),
        (json!({"name": "", "owner": {"email": "x@example.com", "name": "X"}}), "name", "too_short"),
        (
            json!({"name": "X", "plan": "gold", "owner": {"email": "x@example.com", "name": "X"}}),
            "plan",
            "plan_unknown",
        ),
    ] {
        let answer = gateway.admin.post("/v1/admin/tenants", body).await;
        answer.expect_problem(422, "validation_failed").naming(field, code);
    }
    // Nothing was half made: the address is free. And an owner can be invited.
    let body = with(json!({"email": "x@example.com", "name": "X"}));
    let made = gateway.admin.post("/v1/admin/tenants", body).await.expect(201).json;
    let accepted =
        json!({"inviteToken": made["owner"]["inviteToken"], "name": "X", "password": "correct horse"});
    let session = gateway.api.post("/v1/auth/accept-invitation", accepted).await.expect(200).json;
    assert_eq!(
        (&session["account"]["tenantId"], &session["account"]["role"]),
        (&made["id"], &json!("owner"))
    );
}

#[tokio::test]
async fn tenants_are_listed_by_filter_and_in_pages() {
    let gateway = Gateway::start().await;
    for n in 0..5 {
        let (owner, session) = gateway.api.register(&format!("u{n}@example.com")).await;
        owner.patch("/v1/tenant", json!({"name": format!("t{n}")})).await.expect(200);
        if n % 2 == 0 {
            gateway.admin.plan(&session["account"], "pro").await;
        }
    }
    let names = async |query: &str| {
        let (mut found, mut next) = (Vec::new(), format!("/v1/admin/tenants?{query}"));
        loop {
            let page = gateway.admin.get(&next).await.expect(200).json;
            let items = page["items"].as_array().unwrap();
            found.extend(items.iter().map(|tenant| tenant["name"].as_str().unwrap().to_owned()));
            match &page["nextCursor"] {
                Value::String(cursor) => next = format!("/v1/admin/tenants?{query}&cursor={cursor}"),
                _ => return found,
            }
        }
    };
    assert_eq!(names("limit=2").await, ["Administrator", "t0", "t1", "t2", "t3", "t4"]);
    assert_eq!(names("limit=1&plan=pro").await, ["t0", "t2", "t4"]);
    assert_eq!(names("email=U3@example.com").await, ["t3"]);
    assert_eq!(names("email=u3@example.com&plan=pro").await, Vec::<String>::new());
    assert_eq!(names("active=false").await, Vec::<String>::new());
    let bad = gateway.admin.get("/v1/admin/tenants?email=u3").await;
    bad.expect_problem(422, "validation_failed").naming("email", "email_invalid");
    let bad = gateway.admin.get("/v1/admin/tenants?active=perhaps").await;
    bad.expect_problem(422, "validation_failed").naming("active", "wrong_type");
}

#[tokio::test]
async fn a_deactivated_tenant_is_locked_out_at_once_and_let_in_again() {
    let gateway = Gateway::start().await;
    let (ani, session) = gateway.api.register("ani@example.com").await;
    let key = ani.post("/v1/api-keys", json!({"name": "shop"})).await.expect(201).json;
    let shop = gateway.api.with_key(key["key"].as_str().unwrap());
    shop.get("/v1/me").await.expect(200);
    let tenant = Api::tenant_path(&session["account"]);
    gateway.admin.patch(&tenant, json!({"active": false})).await.expect(200);
    ani.get("/v1/me").await.expect_problem(401, "unauthenticated");
    shop.get("/v1/me").await.expect_problem(401, "unauthenticated");
    let refresh = json!({"refreshToken": session["refreshToken"]});
    gateway.api.post("/v1/auth/refresh", refresh.clone()).await.expect_problem(401, "unauthenticated");
    let body = json!({"email": "ani@example.com", "password": "correct horse"});
    gateway.api.post("/v1/auth/login", body).await.expect_problem(401, "unauthenticated");

    gateway.admin.patch(&tenant, json!({"active": true})).await.expect(200);
    shop.get("/v1/me").await.expect(200);
    gateway.api.log_in("ani@example.com").await.0.get("/v1/me").await.expect(200);
    // The tokens from before stay ended.
    ani.get("/v1/me").await.expect_problem(401, "unauthenticated");
    gateway.api.post("/v1/auth/refresh", refresh).await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn changes_at_the_same_time_all_hold() {
    let gateway = Gateway::start().await;
    let (_, session) = gateway.api.register("ani@example.com").await;
    let tenant = Api::tenant_path(&session["account"]);
    for round in 0..5 {
        let (name, plan) = (format!("Ani {round}"), if round % 2 == 0 { "pro" } else { "max" });
        let (one, two) = (json!({"name": name}), json!({"plan": plan}));
        let (one, two) = tokio::join!(gateway.admin.patch(&tenant, one), gateway.admin.patch(&tenant, two));
        assert_eq!((one.status, two.status), (200, 200));
        let now = gateway.admin.get(&tenant).await.expect(200).json;
        assert_eq!((&now["name"], &now["plan"]), (&json!(name), &json!(plan)));
    }
}

#[tokio::test]
async fn a_tenant_with_an_administrator_is_neither_deactivated_nor_deleted() {
    let gateway = Gateway::start().await;
    let me = gateway.admin.get("/v1/me").await.expect(200).json;
    let own = Api::tenant_path(&me);
    gateway.admin.patch(&own, json!({"active": false})).await.expect_problem(409, "has_administrator");
    gateway.admin.delete(&own).await.expect_problem(409, "has_administrator");
    gateway.admin.get("/v1/admin/tenants").await.expect(200);
    let nowhere = "/v1/admin/tenants/ten_01M7XV57GBZ89BFE1MY4WYHDM6";
    gateway.admin.get(nowhere).await.expect_problem(404, "not_found");
    gateway.admin.patch(nowhere, json!({"name": "x"})).await.expect_problem(404, "not_found");
    gateway.admin.delete(nowhere).await.expect_problem(404, "not_found");
    gateway.admin.get(&format!("{nowhere}/erasure")).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_deleted_tenant_is_gone_at_once_erased_in_the_background_and_says_when() {
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
    let (account, id) =
        (session["account"]["id"].as_str().unwrap(), session["account"]["tenantId"].as_str().unwrap());
    let wrong = json!({"email": "ani@example.com", "password": "a guess"});
    gateway.api.post("/v1/auth/login", wrong).await.expect(401);
    ani.member(&gateway.api, "budi@example.com", "user").await;

    let tenant = Api::tenant_path(&session["account"]);
    let deleted = gateway.admin.delete(&tenant).await.expect(202);
    assert_eq!(deleted.json["status"], "running");
    let erasure = deleted.header("location").to_owned();
    ani.get("/v1/me").await.expect_problem(401, "unauthenticated");
    let shop = gateway.api.with_key(key["key"].as_str().unwrap());
    shop.get("/v1/me").await.expect_problem(401, "unauthenticated");
    gateway.admin.get(&tenant).await.expect_problem(404, "not_found");
    gateway.admin.delete(&tenant).await.expect_problem(404, "not_found");
    gateway.admin.patch(&tenant, json!({"active": true})).await.expect_problem(404, "not_found");
    let listed = gateway.admin.get("/v1/admin/tenants?email=ani@example.com").await.expect(200).json;
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
        "accounts",
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
        assert!(!rows.contains(account) && !rows.contains(id), "{table} still has {rows}");
    }
    for table in ["accounts", "audit", "counters", "tenants"] {
        let rows = gateway.dump(table).await.to_string();
        assert!(!rows.contains("ani@example.com"), "{table} still has {rows}");
    }
    // The address is free again, and the old token still is nobody's.
    gateway.api.register("ani@example.com").await;
    ani.get("/v1/me").await.expect_problem(401, "unauthenticated");
}
