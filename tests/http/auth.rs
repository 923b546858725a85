//! `/v1/auth`

use serde_json::json;
use tests::Gateway;

#[tokio::test]
async fn a_stranger_registers_and_logs_in() {
    let gateway = Gateway::start().await;
    let body = json!({"email": " Ani@Example.com ", "password": "correct horse", "name": "Ani"});
    let answer = gateway.api.post("/v1/auth/register", body).await.expect(202);
    assert_eq!(answer.json, json!({"email": "ani@example.com"}));
    let login = json!({"email": "ani@example.com", "password": "correct horse"});
    let answer = gateway.api.post("/v1/auth/login", login).await.expect(200);
    let account = &answer.json["account"];
    assert_eq!((&account["email"], &account["name"]), (&json!("ani@example.com"), &json!("Ani")));
    assert_eq!(account["role"], "owner");
    assert_eq!(account["active"], true);
    assert_eq!(answer.json["expiresInSeconds"], 900);
    assert!(account.get("passwordHash").is_none());
    let ani = gateway.api.with_token(answer.json["accessToken"].as_str().unwrap());
    assert_eq!(ani.get("/v1/me").await.expect(200).json, *account);
}

#[tokio::test]
async fn an_address_is_taken_once_however_many_register_at_once() {
    let gateway = Gateway::start().await;
    let tries = (0..12).map(|n| {
        let api = gateway.api.clone();
        let email = if n % 2 == 0 { "same@example.com" } else { "SAME@example.com" };
        tokio::spawn(async move {
            let body = json!({"email": email, "password": format!("correct horse {n}"), "name": "Ani"});
            api.post("/v1/auth/register", body).await
        })
    });
    for attempt in tries.collect::<Vec<_>>() {
        assert_eq!(attempt.await.unwrap().expect(202).json, json!({"email": "same@example.com"}));
    }
    let listed = gateway.admin.get("/v1/admin/tenants?email=same@example.com").await.expect(200).json;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn registering_an_address_that_has_an_account_looks_the_same_and_changes_nothing() {
    let gateway = Gateway::start().await;
    let register = async |email: &str| {
        let body = json!({"email": email, "password": "another password", "name": "Mallory"});
        let mut answer = gateway.api.post("/v1/auth/register", body).await.expect(202);
        for name in ["x-request-id", "date"] {
            answer.headers.remove(name);
        }
        answer
    };
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let (known, unknown) = (register("ani@example.com").await, register("new@example.com").await);
    assert_eq!(known.headers, unknown.headers);
    assert_eq!(
        (&known.json, &unknown.json),
        (&json!({"email": "ani@example.com"}), &json!({"email": "new@example.com"}))
    );
    assert_eq!(ani.get("/v1/me").await.expect(200).json["name"], "Ani");
    let login = json!({"email": "ani@example.com", "password": "another password"});
    gateway.api.post("/v1/auth/login", login).await.expect_problem(401, "unauthenticated");
    // Who runs Kurir sees it.
    let log =
        gateway.admin.get("/v1/audit-log?action=account.register&outcome=denied").await.expect(200).json;
    assert_eq!(log["items"].as_array().unwrap().len(), 1);
    assert_eq!(log["items"][0]["code"], "email_taken");
}

#[tokio::test]
async fn login_takes_the_right_password_and_says_the_same_of_every_wrong_one() {
    let gateway = Gateway::start().await;
    let body = json!({"email": "ani@example.com", "password": "correct horse", "name": "Ani"});
    gateway.api.post("/v1/auth/register", body).await.expect(202);
    let listed = gateway.admin.get("/v1/admin/tenants?email=ani@example.com").await.expect(200).json;
    assert_eq!(listed["items"][0]["lastLoginAt"], json!(null));
    let login = |email: &str, password: &str| {
        let (api, body) = (gateway.api.clone(), json!({"email": email, "password": password}));
        async move { api.post("/v1/auth/login", body).await }
    };
    let right = login("ANI@example.com", "correct horse").await.expect(200);
    assert!(right.json["account"]["lastLoginAt"].is_string());
    let wrong = login("ani@example.com", "wrong horse").await.expect_problem(401, "unauthenticated");
    let unknown = login("nobody@example.com", "wrong horse").await.expect_problem(401, "unauthenticated");
    let nonsense = login("not an address", "x").await.expect_problem(401, "unauthenticated");
    assert_eq!(wrong.json["detail"], unknown.json["detail"]);
    assert_eq!(wrong.json["detail"], nonsense.json["detail"]);
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_reuse_ends_the_family() {
    let gateway = Gateway::start().await;
    let (_, first) = gateway.api.register("ani@example.com").await;
    let refresh = |token: &serde_json::Value| {
        let (api, body) = (gateway.api.clone(), json!({"refreshToken": token}));
        async move { api.post("/v1/auth/refresh", body).await }
    };
    let second = refresh(&first["refreshToken"]).await.expect(200).json;
    assert_ne!(second["refreshToken"], first["refreshToken"]);
    gateway.api.with_token(second["accessToken"].as_str().unwrap()).get("/v1/me").await.expect(200);
    let third = refresh(&second["refreshToken"]).await.expect(200).json;

    refresh(&first["refreshToken"]).await.expect_problem(401, "unauthenticated");
    refresh(&third["refreshToken"]).await.expect_problem(401, "unauthenticated");

    let login = json!({"email": "ani@example.com", "password": "correct horse"});
    let fresh = gateway.api.post("/v1/auth/login", login).await.expect(200).json;
    refresh(&fresh["refreshToken"]).await.expect(200);
}

#[tokio::test]
async fn of_many_who_use_a_refresh_token_at_once_one_wins_at_most() {
    let gateway = Gateway::start().await;
    let (_, session) = gateway.api.register("ani@example.com").await;
    let tries: Vec<_> = (0..8)
        .map(|_| {
            let (api, token) = (gateway.api.clone(), session["refreshToken"].clone());
            tokio::spawn(
                async move { api.post("/v1/auth/refresh", json!({"refreshToken": token})).await.status },
            )
        })
        .collect();
    let mut won = 0;
    for attempt in tries {
        won += usize::from(attempt.await.unwrap() == 200);
    }
    assert_eq!(won, 1);
}

#[tokio::test]
async fn logout_ends_the_refresh_token_and_may_be_repeated() {
    let gateway = Gateway::start().await;
    let (_, session) = gateway.api.register("ani@example.com").await;
    let body = json!({"refreshToken": session["refreshToken"]});
    gateway.api.post("/v1/auth/logout", body.clone()).await.expect(204);
    gateway.api.post("/v1/auth/logout", body.clone()).await.expect(204);
    gateway.api.post("/v1/auth/refresh", body).await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn registration_can_be_closed() {
    let gateway = Gateway::start_with(&[("KURIR_REGISTRATION", "closed")]).await;
    let body = json!({"email": "ani@example.com", "password": "correct horse", "name": "Ani"});
    gateway.api.post("/v1/auth/register", body).await.expect_problem(403, "registration_closed");
    let login = json!({"email": "ani@example.com", "password": "correct horse"});
    gateway.api.post("/v1/auth/login", login).await.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn bad_fields_are_all_named_and_nothing_is_stored() {
    let gateway = Gateway::start().await;
    let body = json!({"email": "nonsense", "password": "short", "name": "  "});
    let answer = gateway.api.post("/v1/auth/register", body).await;
    answer
        .expect_problem(422, "validation_failed")
        .naming("email", "email_invalid")
        .naming("password", "too_short")
        .naming("name", "too_short");
    let missing = gateway.api.post("/v1/auth/register", json!({"email": "ani@example.com"})).await;
    missing.expect_problem(422, "validation_failed").naming("password", "missing");
    gateway.api.register("ani@example.com").await;
}
