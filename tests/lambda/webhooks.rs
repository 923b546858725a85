//! The functions of webhooks: one that serves their API, one that the queue of deliveries drives.

use serde_json::{Value, json};
use tests::{Gateway, Receiver};

use crate::{PREFIX, event::Event, function::Function, register, text};

/// An event of SQS with these messages.
fn sqs_event(entries: &[(&str, String)]) -> Value {
    let record = |(id, body): &(&str, String)| {
        json!({
            "messageId": id, "receiptHandle": "AQEB", "body": body, "attributes": {}, "messageAttributes": {},
            "eventSource": "aws:sqs", "awsRegion": "us-east-1",
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:lambda-deliveries",
        })
    };
    json!({"Records": entries.iter().map(record).collect::<Vec<_>>()})
}

/// A try to deliver something, as it lies in the queue.
fn entry(tenant: &Value, webhook: &Value, delivery: &str, not_before: &str) -> String {
    json!({
        "kind": "webhook_delivery.v1", "accountId": tenant, "webhookId": webhook, "deliveryId": delivery,
        "trigger": "event", "attempt": 1, "notBefore": not_before,
        "event": {
            "id": "evt_01M7XV57GBZ89BFE1MY4WYHDM6", "type": "message.sent", "data": {"id": "msg_1"},
            "timestamp": "2026-11-21T05:00:00.000Z",
        },
    })
    .to_string()
}

#[tokio::test]
async fn webhooks_are_made_through_the_function_and_this_machine_is_no_address_for_them() {
    let gateway = crate::gateway().await;
    let mut auth = Function::start("auth", &gateway).await;
    let session = register(&mut auth, "ani@example.com").await;
    let token = text(&session["accessToken"]);
    let mut webhooks = Function::start("webhooks", &gateway).await;
    let new = |url: &str| Event::post("/v1/webhooks", &json!({"url": url, "events": ["*"]})).token(token);
    for url in ["http://127.0.0.1:3000/", "http://localhost:3000/"] {
        webhooks.call(&new(url)).await.expect(422).naming("url", "scheme_forbidden");
    }
    for url in ["https://127.0.0.1:3000/", "https://localhost:3000/", "https://[::1]:3000/"] {
        webhooks.call(&new(url)).await.expect(422).naming("url", "address_forbidden");
    }
    let made = webhooks.call(&new("https://example.com/hook")).await.expect(201);
    let here = gateway.api.with_token(token);
    let same = here.get(made.header("location")).await.expect(200).json;
    assert_eq!((&same["id"], &same["url"]), (&made.json["id"], &json!("https://example.com/hook")));
    webhooks.stop().await;
}

#[tokio::test]
async fn of_a_batch_only_what_cannot_be_settled_comes_again() {
    let gateway = Gateway::start_with(&[("KURIR_PREFIX", PREFIX)]).await;
    let tenant = gateway.admin.get("/v1/me").await.expect(200).json["id"].clone();
    let receiver = Receiver::start().await;
    let webhook = gateway.admin.webhook(&receiver.url, &["*"]).await;
    let unknown = json!("whk_01M7XV57GBZ89BFE1MY4WYHDM6");
    let (now, later) = (tests::in_seconds(0), tests::in_seconds(2));
    let batch = [
        ("1", "not JSON".to_owned()),
        ("2", entry(&tenant, &unknown, "dlv_01M7XV57GBZ89BFE1MY4WYHDM6", &now)),
        ("3", entry(&tenant, &webhook["id"], "dlv_01M7XV57GBZ89BFE1MY4WYHDM7", &now)),
        ("4", json!({"kind": "webhook_delivery.v9"}).to_string()),
        ("5", entry(&tenant, &webhook["id"], "dlv_01M7XV57GBZ89BFE1MY4WYHDM8", &later)),
    ];
    let mut function = Function::start("webhook_delivery", &gateway).await;
    let answer = function.give(sqs_event(&batch)).await;
    let failed = json!({"batchItemFailures": [{"itemIdentifier": "1"}, {"itemIdentifier": "4"}]});
    assert_eq!(answer, failed);

    // The function may not call this machine; the gateway, which takes the next try from the queue, may. What was
    // too early cost no try.
    receiver.gets(2).await;
    let tries = gateway.admin.tries(&webhook, 3).await;
    let seen: Vec<_> = tries.iter().map(|one| (text(&one["deliveryId"]), one["attempt"].as_u64())).collect();
    let (third, fifth) = ("dlv_01M7XV57GBZ89BFE1MY4WYHDM7", "dlv_01M7XV57GBZ89BFE1MY4WYHDM8");
    assert_eq!(seen, [(fifth, Some(1)), (third, Some(2)), (third, Some(1))]);
    assert_eq!((text(&tries[0]["status"]), text(&tries[1]["status"])), ("succeeded", "succeeded"));
    let refused = &tries[2];
    assert_eq!((text(&refused["status"]), &refused["responseStatus"]), ("retrying", &Value::Null));
    assert_eq!(refused["error"], "the scheme must be https");
}
