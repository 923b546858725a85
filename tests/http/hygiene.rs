//! What browsers and networks are told and kept from.

use reqwest::Method;
use serde_json::json;
use tests::{Gateway, eventually};

#[tokio::test]
async fn every_answer_carries_security_headers() {
    let gateway = Gateway::start().await;
    for path in ["/v1/health", "/v1/me", "/nowhere"] {
        let answer = gateway.api.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert!(answer.header("x-request-id").starts_with("req_"), "{path}");
    }
}

#[tokio::test]
async fn only_pages_of_allowed_sites_may_call() {
    let gateway =
        Gateway::start_with(&[("KURIR_CORS_ORIGINS", "https://app.example.com/, https://b.example.com")])
            .await;
    let from = async |origin: &str, method: Method| {
        let request = gateway.api.request(method, "/v1/me").header("origin", origin);
        gateway.api.send(request.header("access-control-request-method", "POST")).await
    };
    let preflight = from("https://app.example.com", Method::OPTIONS).await.expect(200);
    assert_eq!(preflight.header("access-control-allow-origin"), "https://app.example.com");
    assert!(preflight.header("access-control-allow-headers").contains("idempotency-key"));
    let answer = from("https://b.example.com", Method::GET).await.expect(401);
    assert_eq!(answer.header("access-control-allow-origin"), "https://b.example.com");
    assert!(answer.header("access-control-expose-headers").contains("ratelimit"));
    for stranger in ["https://evil.example.com", "http://app.example.com", "null"] {
        assert_eq!(from(stranger, Method::OPTIONS).await.header("access-control-allow-origin"), "");
        assert_eq!(from(stranger, Method::GET).await.header("access-control-allow-origin"), "");
    }
}

#[tokio::test]
async fn networks_that_may_not_call_are_kept_out() {
    let denied = Gateway::start_with(&[("KURIR_IP_DENY", "127.0.0.0/8")]).await;
    denied.api.get("/v1/health").await.expect_problem(403, "address_forbidden");
    let elsewhere = Gateway::start_with(&[("KURIR_IP_ALLOW", "203.0.113.0/24")]).await;
    elsewhere.api.get("/v1/health").await.expect_problem(403, "address_forbidden");
    let here = Gateway::start_with(&[("KURIR_IP_ALLOW", "203.0.113.0/24,127.0.0.1")]).await;
    here.api.get("/v1/health").await.expect(200);
    // An untrusted peer cannot talk itself into the list.
    let request = elsewhere.api.request(Method::GET, "/v1/health").header("x-forwarded-for", "203.0.113.5");
    elsewhere.api.send(request).await.expect_problem(403, "address_forbidden");
}

#[tokio::test]
async fn a_key_bound_to_networks_works_from_there_only() {
    let gateway = Gateway::start_with(&[("KURIR_TRUSTED_PROXIES", "127.0.0.1")]).await;
    let bad =
        gateway.admin.post("/v1/api-keys", json!({"name": "x", "allowedIps": ["10.0.0.0/8", "here"]})).await;
    bad.expect_problem(422, "validation_failed").naming("allowedIps[1]", "network_invalid");
    let body = json!({"name": "x", "allowedIps": ["203.0.113.0/24", "2001:db8::1"]});
    let key = gateway.admin.post("/v1/api-keys", body).await.expect(201).json;
    assert_eq!(key["allowedIps"], json!(["203.0.113.0/24", "2001:db8::1/128"]));
    let bound = gateway.api.with_key(key["key"].as_str().unwrap());
    let from = async |address: &str| {
        bound.send(bound.request(Method::GET, "/v1/me").header("x-forwarded-for", address)).await
    };
    from("203.0.113.77").await.expect(200);
    from("2001:db8::1").await.expect(200);
    from("203.0.114.1").await.expect_problem(401, "unauthenticated");
    bound.get("/v1/me").await.expect_problem(401, "unauthenticated");
    eventually("its use is known", async || {
        let keys = gateway.admin.get("/v1/api-keys").await.expect(200).json;
        let keys = keys["items"].as_array().unwrap().clone();
        keys.iter().find(|k| k["id"] == key["id"]).filter(|k| k["lastUsedAt"].is_string()).map(|_| ())
    })
    .await;
}

#[tokio::test]
async fn mistakes_in_the_settings_are_clear_errors_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let plans = write("plans.toml", "[gold]\nauditDays = 1\n");
    let typo = write("typo.toml", "[basic]\nauditDays = 1\ndevises = 2\n");
    let keys = write("keys.toml", "[[keys]]\nid = \"a\"\nalgorithm = \"HS256\"\n");
    for (variable, value, expected) in [
        ("KURIR_REGISTRATION", "maybe", "`open` or `closed`"),
        ("KURIR_IP_DENY", "everybody", "KURIR_IP_DENY must be addresses or networks"),
        ("KURIR_MASTER_KEY", "short", "32 bytes in base64"),
        ("KURIR_PLANS_FILE", "/does/not/exist.toml", "KURIR_PLANS_FILE /does/not/exist.toml"),
        ("KURIR_PLANS_FILE", &plans, "no plan `basic`"),
        ("KURIR_PLANS_FILE", &typo, "devises"),
        ("KURIR_JWT_KEYS_FILE", &keys, "key `a` needs secret_file"),
        ("KURIR_WA_VERSION", "2", "KURIR_WA_VERSION must be"),
        ("KURIR_QR_ROUNDS", "many", "KURIR_QR_ROUNDS must be"),
    ] {
        let error = Gateway::fails_to_start(&[(variable, value)]).await;
        assert!(error.contains(expected), "{variable}={value}: {error}");
    }
}

#[tokio::test]
async fn a_proxys_own_line_counts_and_not_the_clients() {
    let env = [("KURIR_TRUSTED_PROXIES", "127.0.0.1"), ("KURIR_IP_DENY", "203.0.113.0/24")];
    let gateway = Gateway::start_with(&env).await;
    let lines = ["198.51.100.1", "203.0.113.7"];
    let request = lines.iter().fold(gateway.api.request(Method::GET, "/v1/health"), |request, line| {
        request.header("x-forwarded-for", *line)
    });
    gateway.api.send(request).await.expect_problem(403, "address_forbidden");
}
