//! Keys that sign access tokens: ids, rotation, EdDSA.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tests::Gateway;
use tokio::process::Command;

fn header(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap()
}

async fn login(gateway: &Gateway) -> String {
    let body = json!({"email": "ani@example.com", "password": "correct horse"});
    let session = gateway.api.post("/v1/auth/login", body).await.expect(200).json;
    session["accessToken"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_new_key_takes_over_while_tokens_of_the_old_one_still_work() {
    let folder = tempfile::tempdir().unwrap();
    let openssl = async |args: &[&str]| {
        let done =
            Command::new("openssl").args(args).current_dir(folder.path()).output().await.expect("openssl");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    openssl(&["genpkey", "-algorithm", "ed25519", "-out", "new.pem"]).await;
    openssl(&["pkey", "-in", "new.pem", "-pubout", "-out", "new.pub.pem"]).await;
    let file = folder.path().join("keys.toml");
    let old = "[[keys]]\nid = \"default\"\nalgorithm = \"HS256\"\nfrom_master_key = true\n";
    let new = "[[keys]]\nid = \"2026-11\"\nalgorithm = \"EdDSA\"\nprivate_key_file = \"new.pem\"\n\
               public_key_file = \"new.pub.pem\"\n";
    let with = |keys: String| {
        std::fs::write(&file, keys).unwrap();
        [("KURIR_JWT_KEYS_FILE", file.to_str().unwrap())]
    };

    let mut gateway = Gateway::start().await;
    let (_, session) = gateway.api.register("ani@example.com").await;
    let first = session["accessToken"].as_str().unwrap().to_owned();
    assert_eq!(header(&first), json!({"typ": "JWT", "alg": "HS256", "kid": "default"}));

    gateway.kill().await;
    let mut gateway = gateway.again_with(&with(format!("{new}{old}"))).await;
    gateway.api.with_token(&first).get("/v1/me").await.expect(200);
    let second = login(&gateway).await;
    assert_eq!(header(&second), json!({"typ": "JWT", "alg": "EdDSA", "kid": "2026-11"}));
    gateway.api.with_token(&second).get("/v1/me").await.expect(200);
    // The public key is no secret: what it signs as one is worth nothing.
    let public = std::fs::read(folder.path().join("new.pub.pem")).unwrap();
    let claims = second.split('.').nth(1).unwrap();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    for kid in ["2026-11", "default", "unknown"] {
        let forged = jsonwebtoken::Header { kid: Some(kid.into()), ..Default::default() };
        let key = jsonwebtoken::EncodingKey::from_secret(&public);
        let forged = jsonwebtoken::encode(&forged, &claims, &key).unwrap();
        gateway.api.with_token(&forged).get("/v1/me").await.expect_problem(401, "unauthenticated");
    }

    gateway.kill().await;
    let gateway = gateway.again_with(&with(new.into())).await;
    gateway.api.with_token(&first).get("/v1/me").await.expect_problem(401, "unauthenticated");
    gateway.api.with_token(&second).get("/v1/me").await.expect(200);
    let refresh = json!({"refreshToken": session["refreshToken"]});
    gateway.api.post("/v1/auth/refresh", refresh).await.expect(200);
}

#[tokio::test]
async fn logout_everywhere_and_a_new_password_end_every_token_at_once() {
    let gateway = Gateway::start().await;
    let (ani, session) = gateway.api.register("ani@example.com").await;
    let key = ani.post("/v1/api-keys", json!({"name": "shop"})).await.expect(201).json;
    let other = gateway.api.with_token(&login(&gateway).await);
    ani.call("/v1/auth/logout-all").await.expect(204);
    for ended in [&ani, &other] {
        ended.get("/v1/me").await.expect_problem(401, "unauthenticated");
    }
    let refresh = json!({"refreshToken": session["refreshToken"]});
    gateway.api.post("/v1/auth/refresh", refresh).await.expect_problem(401, "unauthenticated");
    gateway.api.with_key(key["key"].as_str().unwrap()).get("/v1/me").await.expect(200);

    let again = gateway.api.with_token(&login(&gateway).await);
    let change = json!({"currentPassword": "correct horse", "newPassword": "battery staple"});
    again.post("/v1/me/password", change).await.expect(204);
    again.get("/v1/me").await.expect_problem(401, "unauthenticated");
}
