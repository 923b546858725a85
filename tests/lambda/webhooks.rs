//! The functions of webhooks: one that serves their API, one that the queue of deliveries drives.

use serde_json::{Value, json};
use tests::Receiver;

use crate::{event::Event, function::Function, register, text};

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
async fn webhooks_are_made_through_the_function_and_not_for_addresses_inside() {
    let gateway = crate::gateway().await;
    let mut auth = Function::start("auth", &gateway).await;
    let session = register(&mut auth, "ani@example.com").await;
    let token = text(&session["accessToken"]);
    let mut webhooks = Function::start("webhooks", &gateway).await;
    let new = |url: &str| Event::post("/v1/webhooks", &json!({"url": url, "events": ["*"]})).token(token);
    for url in ["https://10.0.0.1/", "https://169.254.169.254/latest/meta-data/", "https://[fd00:ec2::254]/"]
    {
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
    let gateway = crate::gateway().await;
    let tenant = gateway.admin.get("/v1/tenant").await.expect(200).json["id"].clone();
    let receiver = Receiver::start().await;
    let webhook = gateway.admin.webhook(&receiver.url, &["*"]).await;
    receiver.statuses([500, 204]);
    let unknown = json!("whk_01M7XV57GBZ89BFE1MY4WYHDM6");
    let (now, later) = (tests::in_seconds(0), tests::in_seconds(3));
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
    assert_eq!(receiver.calls().len(), 1, "one was due, and the function sent it");

    // The rest lies in the queue, where the gateway finds it. What was too early cost no try.
    receiver.gets(3).await;
    let tries = gateway.admin.tries(&webhook, 3).await;
    let seen: Vec<_> = tries
        .iter()
        .map(|one| (text(&one["deliveryId"]), one["attempt"].as_u64(), text(&one["status"])))
        .collect();
    let (third, fifth) = ("dlv_01M7XV57GBZ89BFE1MY4WYHDM7", "dlv_01M7XV57GBZ89BFE1MY4WYHDM8");
    assert_eq!(
        seen,
        [(fifth, Some(1), "succeeded"), (third, Some(2), "succeeded"), (third, Some(1), "retrying")]
    );
}
