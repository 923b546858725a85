//! The core journey, through API Gateway.

use serde_json::{Value, json};
use tests::{Api, Gateway, Receiver, eventually};

use crate::{ministack::Ministack, stack::ADMIN};

/// Registers, links a device, sends, receives.
pub async fn travel(ministack: &Ministack, outputs: &Value, sandbox: &Gateway) {
    let api = gateway_of(ministack, outputs);
    let health = api.get("/v1/health").await.expect(200).json;
    assert_eq!(health["status"], "healthy", "{health}");
    api.get("/v1/nowhere").await.expect_problem(404, "not_found");
    api.get("/v1/devices").await.expect_problem(401, "unauthenticated");

    let function = outputs["functions"]["value"]["scheduler"].as_str().expect("the scheduler");
    let round = ministack.invoke(function).await;
    assert!(round["devicesWoken"].is_number(), "{round}");
    let login = json!({"email": ADMIN.0, "password": ADMIN.1});
    let session = api.post("/v1/auth/login", login).await.expect(200).json;
    assert_eq!(session["account"]["role"], "admin");
    let admin = api.with_token(session["accessToken"].as_str().expect("a token"));
    let workers = admin.get("/v1/workers").await.expect(200).json;
    assert_eq!(workers["items"].as_array().map(Vec::len), Some(1), "{workers}");

    let (ani, session) = api.register("ani@example.com").await;
    admin.plan(&session["account"], "pro").await;
    let (own, other) =
        (sandbox.phone("6281100000001", "Ani").await, sandbox.phone("6281100000002", "Budi").await);
    let receiver = Receiver::start().await;
    let hook = json!({"url": receiver.url, "events": ["message.*"]});
    let hook = ani.post("/v1/webhooks", hook).await.expect(201).json;
    let device = ani.device("shop").await;
    let qr = ani.qr(&device).await;
    own.scan(&qr).await;
    ani.device_becomes(&device, "connected").await;

    let message = ani.send_text(&device, "+6281100000002", "Halo dari Lambda").await;
    other.receives("Halo dari Lambda").await;
    ani.message_becomes(&message, "delivered").await;
    other.send_text("6281100000001", "Halo juga").await;
    ani.receives(&device, "6281100000002@s.whatsapp.net", "Halo juga").await;
    let chats = ani.get(&format!("/v1/devices/{device}/chats")).await.expect(200).json;
    assert_eq!(chats["items"][0]["lastMessagePreview"], "Halo juga", "{chats}");

    // Both went through the queue of events and that of deliveries.
    for kind in ["message.delivered", "message.received"] {
        let call = receiver.gets_event(kind).await;
        assert!(!call.header("webhook-signature").is_empty());
        let history = ani.get(&format!("/v1/events/history?types={kind}")).await.expect(200).json;
        assert_eq!(history["items"][0]["id"], call.event()["id"], "{history}");
    }
    let path = format!("/v1/webhooks/{}/deliveries", hook["id"].as_str().expect("an id"));
    eventually("the deliveries are written down", async || {
        let deliveries = ani.get(&path).await.expect(200).json;
        (deliveries["items"][0]["status"] == "succeeded").then_some(())
    })
    .await;
}

/// The API behind ministack's API Gateway, which knows it by the name that is asked for.
fn gateway_of(ministack: &Ministack, outputs: &Value) -> Api {
    let url = outputs["api_url"]["value"].as_str().expect("an address");
    let host = url.split("://").last().expect("a host");
    let id = host.split(['.', ':', '/']).next().expect("an id");
    Api::new(&ministack.url).with_host(&format!("{id}.execute-api.localhost:{}", ministack.port))
}
