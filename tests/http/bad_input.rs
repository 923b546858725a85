//! What is wrong with a request before any handler cares: bodies, methods, paths, credentials.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Api, Gateway};

async fn post_raw(api: &Api, path: &str, body: impl Into<reqwest::Body>) -> tests::Answer {
    api.send(api.request(Method::POST, path).header("content-type", "application/json").body(body)).await
}

#[tokio::test]
async fn what_is_not_json_is_a_bad_request() {
    let gateway = Gateway::start().await;
    for body in ["", "{", "{\"name\": }", "name=x", "\u{feff}{}", "{\"name\":\"x\"} trailing", "\"\\ud800\""]
    {
        post_raw(&gateway.admin, "/v1/devices", body).await.expect_problem(400, "bad_json");
    }
    let not_utf8 = b"{\"name\": \"\xff\xfe\"}".to_vec();
    post_raw(&gateway.admin, "/v1/devices", not_utf8).await.expect_problem(400, "bad_json");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    post_raw(&gateway.admin, "/v1/devices", deep).await.expect_problem(400, "bad_json");
    for body in ["[]", "null", "7", "\"text\""] {
        post_raw(&gateway.admin, "/v1/devices", body).await.expect_problem(422, "validation_failed");
    }
    assert_eq!(gateway.admin.get("/v1/devices").await.expect(200).json["items"], json!([]));
}

#[tokio::test]
async fn what_is_wrong_is_said_in_the_words_of_the_api() {
    let gateway = Gateway::start().await;
    let said = async |method: Method, path: &str, body: Value| {
        let request = gateway.admin.request(method, path).json(&body);
        let answer = gateway.admin.send(request).await.expect_problem(422, "validation_failed");
        let error = answer.json["errors"][0].clone();
        format!("{} {}", error["field"].as_str().unwrap(), error["message"].as_str().unwrap())
    };
    let device = gateway.admin.device("a device").await;
    let messages = format!("/v1/devices/{device}/messages");
    let to = "+6281234567890";
    for (path, body, expected) in [
        ("/v1/devices", json!([]), "body must be an object"),
        ("/v1/devices", json!({"name": 7}), "name must be a string, not a number"),
        ("/v1/devices", json!({"naem": "x"}), "naem is not known here; known are "),
        (
            &messages,
            json!({"to": to, "type": "text", "text": "Hello"}),
            "text must be an object, not a string",
        ),
        (&messages, json!({"to": to, "type": "telegram", "text": {"body": "x"}}), "type must be "),
        ("/sandbox/faults", json!({"faults": [{"kind": "earthquake"}]}), "faults[0].kind one of dropSockets"),
    ] {
        let message = said(Method::POST, path, body).await;
        assert!(message.starts_with(expected), "{message}");
    }
    let limit = gateway.admin.get("/v1/devices?limit=many").await.expect_problem(422, "validation_failed");
    assert_eq!(limit.json["errors"][0]["message"], "must be a whole number");
}

#[tokio::test]
async fn a_body_of_ten_megabytes_is_too_large() {
    let gateway = Gateway::start().await;
    let body = json!({"name": "x".repeat(10 * 1024 * 1024)}).to_string();
    post_raw(&gateway.admin, "/v1/devices", body.clone()).await.expect_problem(413, "payload_too_large");
    post_raw(&gateway.api, "/v1/auth/login", body).await.expect_problem(413, "payload_too_large");
    assert_eq!(gateway.admin.get("/v1/devices").await.expect(200).json["items"], json!([]));
}

#[tokio::test]
async fn wrong_methods_and_paths_get_problem_bodies() {
    let gateway = Gateway::start().await;
    gateway.admin.get("/v1/nothing/here").await.expect_problem(404, "not_found");
    let wrong = gateway.admin.delete("/v1/me").await.expect_problem(405, "method_not_allowed");
    assert!(wrong.header("allow").contains("GET"), "{:?}", wrong.headers);
    gateway.admin.get("/v1/auth/login").await.expect_problem(405, "method_not_allowed");
    for id in ["nonsense", "dev_", "msg_01M7XV57GBZ89BFE1MY4WYHDM6", "%00", "dev_01M7XV57GBZ89BFE1MY4WYHDM6"]
    {
        gateway.admin.get(&format!("/v1/devices/{id}")).await.expect_problem(404, "not_found");
    }
}

#[tokio::test]
async fn forged_and_expired_tokens_are_refused() {
    let gateway = Gateway::start().await;
    let (ani, session) = gateway.api.register("ani@example.com").await;
    ani.get("/v1/me").await.expect(200);
    let good = session["accessToken"].as_str().unwrap();
    let parts: Vec<&str> = good.split('.').collect();
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    let encode = |json: &Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    let none =
        |alg: &str| format!("{}.{}.", encode(&json!({"alg": alg, "typ": "JWT", "kid": "default"})), parts[1]);
    let signed = |algorithm, key: &[u8], claims: &Value| {
        let header = Header { kid: Some("default".into()), ..Header::new(algorithm) };
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(key)).unwrap()
    };
    let forged = [
        none("none"),
        none("None"),
        none("NONE"),
        format!("{}.{}.{}", parts[0], encode(&with("role", json!("admin"))), parts[2]),
        format!("{}.{}.{}", parts[0], parts[1], URL_SAFE_NO_PAD.encode("made up")),
        format!("{}.{}", parts[0], parts[1]),
        signed(Algorithm::HS256, b"another key", &claims),
        signed(Algorithm::HS512, b"another key", &claims),
        signed(Algorithm::HS256, b"", &claims),
        "not.a.token".into(),
        String::new(),
    ];
    for token in forged {
        gateway.api.with_token(&token).get("/v1/me").await.expect_problem(401, "unauthenticated");
    }
    // What the gateway itself would sign, but for another time, issuer or kind of key.
    let key = tests::signing_key(&gateway);
    assert_eq!(
        gateway.api.with_token(&signed(Algorithm::HS256, &key, &claims)).get("/v1/me").await.status,
        200
    );
    for token in [
        signed(Algorithm::HS256, &key, &with("exp", json!(1_700_000_000))),
        signed(Algorithm::HS256, &key, &with("iss", json!("somebody"))),
        signed(Algorithm::HS256, &key, &with("sub", json!("acc_01M7XV57GBZ89BFE1MY4WYHDM6"))),
        signed(Algorithm::HS256, &key, &with("exp", json!(null))),
        signed(Algorithm::HS384, &key, &claims),
    ] {
        gateway.api.with_token(&token).get("/v1/me").await.expect_problem(401, "unauthenticated");
    }
    for key in ["kur_made-up", "", "kur_", "something"] {
        gateway.api.with_key(key).get("/v1/me").await.expect_problem(401, "unauthenticated");
    }
}

#[tokio::test]
async fn a_request_id_is_kept_when_it_can_stand_in_a_log() {
    let gateway = Gateway::start().await;
    let with_id = |id: &'static str| {
        let api = gateway.api.clone();
        async move { api.send(api.request(Method::GET, "/v1/nothing").header("x-request-id", id)).await }
    };
    let kept = with_id("order-12345").await.expect_problem(404, "not_found");
    assert_eq!(kept.json["requestId"], "order-12345");
    let replaced = with_id("a b; rm -rf").await.expect_problem(404, "not_found");
    assert!(replaced.json["requestId"].as_str().unwrap().starts_with("req_"));
}
