//! Signatures, as receivers check them.

use reqwest::Method;
use serde_json::json;
use tests::{Gateway, Receiver};

use crate::{
    try_out,
    verifier::{Verdict, verify, verify_body},
};

#[tokio::test]
async fn a_delivery_is_signed_in_both_ways_and_carries_what_it_should() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    let body = json!({
        "url": receiver.url, "events": ["*"],
        "headers": {"Authorization": "Bearer of-the-receiver", "X-Shop": "7"},
    });
    let webhook = gateway.admin.post("/v1/webhooks", body).await.expect(201).json;
    try_out(&gateway.admin, &webhook).await;
    let call = receiver.gets(1).await.remove(0);
    assert_eq!(verify(&webhook["secret"], &call).await, Verdict::good());

    let event = call.event();
    assert_eq!((event["type"].as_str(), call.path.as_str()), (Some("webhook.test"), "/hook"));
    assert_eq!(event["data"]["webhookId"], webhook["id"]);
    assert!(event["id"].as_str().unwrap().starts_with("evt_"));
    let id = format!("{}-{}", event["id"].as_str().unwrap(), webhook["id"].as_str().unwrap());
    assert_eq!(call.header("webhook-id"), id);
    assert_eq!(call.header("content-type"), "application/json");
    assert!(call.header("user-agent").starts_with("Kurir/"), "{:?}", call.headers);
    assert_eq!(call.header("authorization"), "Bearer of-the-receiver");
    assert_eq!(call.header("x-shop"), "7");

    // What was altered, or signed by another, does not pass.
    let altered = String::from_utf8(call.body.to_vec()).unwrap().replace("test", "lest");
    let verdict = verify_body(&webhook["secret"], &call, altered.as_bytes()).await;
    assert!(verdict.standard != "verified" && !verdict.hub, "{verdict:?}");
    let other = json!("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let verdict = verify(&other, &call).await;
    assert!(verdict.standard != "verified" && !verdict.hub, "{verdict:?}");
}

#[tokio::test]
async fn after_a_rotation_the_secret_before_verifies_beside_the_new_one() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    let webhook = gateway.admin.webhook(&receiver.url, &["*"]).await;
    let path = format!("/v1/webhooks/{}/rotate-secret", webhook["id"].as_str().unwrap());
    let rotated = gateway.admin.call(&path).await.expect(200).json;
    assert_ne!(rotated["secret"], webhook["secret"]);
    assert!(rotated["previousSecretUntil"].is_string());
    try_out(&gateway.admin, &webhook).await;
    let call = receiver.gets(1).await.remove(0);
    assert_eq!(call.header("webhook-signature").split(' ').count(), 2);
    assert_eq!(verify(&rotated["secret"], &call).await, Verdict::good());
    // There is room for one signature in the other header: the new secret's.
    let before = verify(&webhook["secret"], &call).await;
    assert_eq!(before, Verdict { standard: "verified".into(), hub: false });

    // Of two rotations, the older secret counts no more.
    let again = gateway.admin.call(&path).await.expect(200).json;
    try_out(&gateway.admin, &webhook).await;
    let call = receiver.gets(2).await.remove(1);
    assert_eq!(verify(&again["secret"], &call).await, Verdict::good());
    assert_eq!(verify(&rotated["secret"], &call).await.standard, "verified");
    assert_ne!(verify(&webhook["secret"], &call).await.standard, "verified");
}

#[tokio::test]
async fn secrets_and_own_headers_are_stored_sealed_and_logged_nowhere() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    let url = format!("{}?token=in-the-address", receiver.url);
    let body = json!({"url": url, "events": ["*"], "headers": {"X-Key": "of-the-receiver"}});
    let webhook = gateway.admin.post("/v1/webhooks", body).await.expect(201).json;
    receiver.statuses([500, 204]);
    try_out(&gateway.admin, &webhook).await;
    receiver.gets(2).await;
    gateway.admin.tries(&webhook, 2).await;
    let (rows, log) = (gateway.dump("webhooks").await.to_string(), gateway.log());
    for hidden in [webhook["secret"].as_str().unwrap(), "of-the-receiver"] {
        assert!(!rows.contains(hidden) && !log.contains(hidden), "{hidden}");
    }
    assert!(!log.contains("in-the-address"));
    let request = gateway.admin.request(Method::GET, "/v1/webhooks");
    assert!(!String::from_utf8_lossy(&gateway.admin.send(request).await.bytes).contains("whsec_"));
}
