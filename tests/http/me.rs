//! `/v1/me`

use serde_json::json;
use tests::Gateway;

#[tokio::test]
async fn the_caller_sees_and_renames_itself() {
    let gateway = Gateway::start().await;
    let (ani, session) = gateway.api.register("ani@example.com").await;
    assert_eq!(ani.get("/v1/me").await.expect(200).json, session["account"]);
    assert_eq!(ani.patch("/v1/me", json!({"name": " Ani B. "})).await.expect(200).json["name"], "Ani B.");
    assert_eq!(ani.get("/v1/me").await.expect(200).json["name"], "Ani B.");
    assert_eq!(ani.patch("/v1/me", json!({})).await.expect(200).json["name"], "Ani B.");
    let role = ani.patch("/v1/me", json!({"role": "admin"})).await;
    role.expect_problem(422, "validation_failed").naming("role", "unknown_field");
    assert_eq!(ani.get("/v1/me").await.expect(200).json["role"], "owner");
}

#[tokio::test]
async fn a_password_changes_with_the_old_one_as_proof() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let change = |current: &str, new: &str| {
        let (ani, body) = (ani.clone(), json!({"currentPassword": current, "newPassword": new}));
        async move { ani.post("/v1/me/password", body).await }
    };
    let wrong = change("wrong horse", "battery staple").await;
    wrong.expect_problem(422, "validation_failed").naming("currentPassword", "password_wrong");
    let short = change("correct horse", "short").await;
    short.expect_problem(422, "validation_failed").naming("newPassword", "too_short");
    change("correct horse", "battery staple").await.expect(204);
    let login = |password: &str| json!({"email": "ani@example.com", "password": password});
    gateway.api.post("/v1/auth/login", login("correct horse")).await.expect_problem(401, "unauthenticated");
    gateway.api.post("/v1/auth/login", login("battery staple")).await.expect(200);
}

#[tokio::test]
async fn a_password_may_be_guessed_wrong_five_times() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let guess = json!({"currentPassword": "a guess", "newPassword": "battery staple"});
    for _ in 0..5 {
        ani.post("/v1/me/password", guess.clone()).await.expect_problem(422, "validation_failed");
    }
    let right = json!({"currentPassword": "correct horse", "newPassword": "battery staple"});
    ani.post("/v1/me/password", right).await.expect_problem(429, "rate_limited");
}
