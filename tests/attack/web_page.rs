//! A web page in a browser on the same machine: sends requests to any port, and, when its name leads to this machine,
//! reads the answers.

use reqwest::Method;
use serde_json::json;
use tests::{Api, Endpoints, Gateway};

const EVIL: &str = "http://evil.example";

#[tokio::test]
async fn pages_of_others_reach_neither_the_store_nor_the_queues() {
    let gateway = Gateway::start().await;
    let services = Endpoints::of(&gateway);
    for endpoint in [&services.dynamodb, &services.sqs] {
        for (method, key) in
            [(Method::OPTIONS, None), (Method::POST, None), (Method::POST, Some(&services.key))]
        {
            let api = Api::new(endpoint);
            let mut request = api.request(method, "/").header("origin", EVIL);
            if let Some(key) = key {
                request = request.header("authorization", Endpoints::signature(key));
            }
            let request = request.header("x-amz-target", "DynamoDB_20120810.ListTables").body("{}");
            let answer = api.send(request).await.expect(403);
            assert_eq!(answer.header("access-control-allow-origin"), "");
            assert_eq!(answer.json["__type"], "AccessDeniedException");
        }
    }
}

#[tokio::test]
async fn pages_of_others_cannot_drive_the_sandbox_or_the_api() {
    let gateway = Gateway::start_with(&[("KURIR_CORS_ORIGINS", "https://app.example.com")]).await;
    let from = async |origin: &str, path: &str| {
        // What a page may send without asking first.
        let request = gateway.api.request(Method::POST, path).header("origin", origin);
        let request = request.header("content-type", "text/plain");
        gateway.api.send(request.body(json!({"number": "+6281100000001", "name": "Ani"}).to_string())).await
    };
    for origin in [EVIL, "null", "http://127.0.0.1:3000", "http://localhost.evil.example"] {
        from(origin, "/sandbox/phones").await.expect_problem(403, "origin_forbidden");
        from(origin, "/v1/auth/login").await.expect_problem(403, "origin_forbidden");
    }
    assert_eq!(gateway.api.get("/sandbox/phones").await.expect(200).json["items"], json!([]));
    // The gateway's own pages, and those that its operator named.
    from(&format!("http://127.0.0.1:{}", gateway.port), "/sandbox/phones").await.expect(201);
    let docs = gateway.api.get("/docs").await.expect(200);
    assert!(docs.header("content-type").starts_with("text/html"));
    let answer = from("https://app.example.com", "/v1/auth/login").await;
    assert_eq!(
        (answer.status, answer.header("access-control-allow-origin")),
        (422, "https://app.example.com")
    );
}

#[tokio::test]
async fn a_name_that_was_made_to_lead_here_is_not_answered() {
    let gateway =
        Gateway::start_with(&[("KURIR_ALLOWED_HOSTS", "kurir.example.com,other.example.com")]).await;
    for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example"] {
        let rebound = gateway.api.with_host(&format!("{host}:{}", gateway.port));
        for path in ["/v1/health", "/docs", "/sandbox/phones", "/nowhere"] {
            rebound.get(path).await.expect_problem(421, "host_unknown");
        }
        // To the browser, the page's own origin is this one.
        let request = rebound.request(Method::GET, "/v1/health").header("origin", format!("http://{host}"));
        rebound.send(request).await.expect_problem(421, "host_unknown");
    }
    // A proxy passes its own name on, with pages of its own.
    let proxied = gateway.api.with_host("kurir.example.com");
    let request = proxied.request(Method::GET, "/v1/health").header("origin", "https://kurir.example.com");
    proxied.send(request).await.expect(200);
    gateway.api.with_host("localhost").get("/v1/health").await.expect(200);
}

#[tokio::test]
async fn event_streams_open_for_pages_of_allowed_sites_and_for_no_others() {
    let gateway = Gateway::start_with(&[("KURIR_CORS_ORIGINS", "https://app.example.com")]).await;
    let secrets = gateway.secrets();
    let path = format!("/v1/events?token={}", secrets["apiKey"].as_str().unwrap());
    let open = async |origin: &str| {
        let request = gateway.api.request(Method::GET, &path).header("origin", origin);
        let answer = request.send().await.unwrap();
        let allowed = answer.headers().get("access-control-allow-origin").cloned();
        (answer.status().as_u16(), allowed.map(|origin| origin.to_str().unwrap().to_owned()))
    };
    assert_eq!(open("https://app.example.com").await, (200, Some("https://app.example.com".to_owned())));
    assert_eq!(open(EVIL).await, (403, None));
}

#[tokio::test]
async fn pages_open_no_web_sockets_to_the_simulated_whatsapp() {
    let gateway = Gateway::start().await;
    let api = Api::new(&format!("http://127.0.0.1:{}", gateway.wa_port));
    let shake = async |name: &str, value: &str| {
        let request = api.request(Method::GET, "/ws/chat").header("connection", "upgrade");
        let request = request.header("upgrade", "websocket").header("sec-websocket-version", "13");
        let request = request.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        request.header(name, value).send().await.unwrap().status().as_u16()
    };
    assert_eq!(shake("origin", EVIL).await, 403);
    assert_eq!(shake("host", "evil.example").await, 421);
    assert_eq!(shake("origin", "https://web.whatsapp.com").await, 101);
}
