//! Receivers that fail, each in its way.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answers, Gateway, Receiver, eventually};
use tokio::net::TcpListener;

use crate::{now, switch, try_out};

/// Pauses that tests can wait for: what is a second becomes nothing, six hours become two seconds.
const FAST: (&str, &str) = ("KURIR_WEBHOOK_RETRY_SCALE", "0.0001");

#[tokio::test]
async fn whatever_goes_wrong_is_written_down_and_tried_again_until_the_receiver_takes_it() {
    let gateway = Gateway::start_with(&[FAST]).await;
    let (receiver, elsewhere) = (Receiver::start().await, Receiver::start().await);
    let webhook = gateway.admin.webhook(&receiver.url, &["*"]).await;
    receiver.answers([
        Answers::With(500, "x".repeat(10_000)),
        Answers::To("http://169.254.169.254/latest/meta-data/".into()),
        Answers::To(elsewhere.url.clone()),
        Answers::Half,
        Answers::With(404, "no such hook".into()),
        Answers::With(200, "thanks".into()),
    ]);
    let delivery = try_out(&gateway.admin, &webhook).await;
    let mut tries = gateway.admin.tries(&webhook, 6).await;
    assert!(tries.iter().all(|one| one["deliveryId"] == delivery.as_str() && one["trigger"] == "test"));
    tries.reverse();
    let seen: Vec<_> =
        tries.iter().map(|one| (one["responseStatus"].as_u64(), one["status"].as_str())).collect();
    assert_eq!(
        seen,
        [
            (Some(500), Some("retrying")),
            (Some(302), Some("retrying")),
            (Some(302), Some("retrying")),
            (Some(200), Some("retrying")),
            (Some(404), Some("retrying")),
            (Some(200), Some("succeeded")),
        ]
    );
    assert_eq!(tries[0]["responseBody"].as_str().map(str::len), Some(2048), "the first 2 KB are kept");
    assert!(tries[1]["error"].as_str().unwrap().contains("redirects are not followed"));
    assert!(elsewhere.calls().is_empty(), "a redirect was followed");
    assert!(tries[3]["error"].as_str().unwrap().contains("ended early"), "{}", tries[3]);
    assert_eq!(tries[4]["responseBody"], "no such hook");
    assert_eq!((&tries[5]["error"], &tries[5]["nextAttemptAt"]), (&Value::Null, &Value::Null));
    for (n, one) in tries.iter().enumerate() {
        assert_eq!(one["attempt"], n + 1);
        assert!(one["latencyMs"].is_u64() && one["at"].is_string());
        assert_eq!(one["nextAttemptAt"].is_string(), n < 5);
    }
    // The same id and the same body however often; the time of each try is signed.
    let calls = receiver.gets(6).await;
    assert!(calls.iter().all(|call| call.header("webhook-id") == calls[0].header("webhook-id")));
    assert!(calls.iter().all(|call| call.body == calls[0].body));

    let id = webhook["id"].as_str().unwrap();
    let only = async |status: &str| {
        let path = format!("/v1/webhooks/{id}/deliveries?status={status}");
        gateway.admin.get(&path).await.expect(200).json["items"].as_array().unwrap().len()
    };
    assert_eq!((only("succeeded").await, only("retrying").await, only("failed").await), (1, 5, 0));
    assert_eq!(now(&gateway.admin, &webhook).await["failingSince"], Value::Null, "it works again");
}

#[tokio::test]
async fn a_receiver_that_hangs_is_given_up_after_fifteen_seconds_and_asked_again() {
    let gateway = Gateway::start_with(&[FAST]).await;
    let receiver = Receiver::start().await;
    let webhook = gateway.admin.webhook(&receiver.url, &["*"]).await;
    receiver.answers([Answers::After(Duration::from_secs(120), 200), Answers::With(204, String::new())]);
    try_out(&gateway.admin, &webhook).await;
    let tries = gateway.admin.tries(&webhook, 2).await;
    assert_eq!(
        (&tries[1]["responseStatus"], &tries[1]["error"]),
        (&Value::Null, &json!("no answer in time"))
    );
    assert!((14_000..18_000).contains(&tries[1]["latencyMs"].as_u64().unwrap()), "{}", tries[1]);
    assert_eq!(tries[0]["status"], "succeeded");
}

#[tokio::test]
async fn a_receiver_that_is_not_there_is_asked_again_until_it_is() {
    let gateway = Gateway::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    drop(listener);
    let webhook = gateway.admin.webhook(&url, &["*"]).await;
    try_out(&gateway.admin, &webhook).await;
    let first = gateway.admin.tries(&webhook, 1).await.remove(0);
    assert!(first["error"].as_str().unwrap().starts_with("no connection"), "{first}");
    assert!(now(&gateway.admin, &webhook).await["failingSince"].is_string());
    let receiver = Receiver::start_at(&url).await;
    receiver.gets(1).await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_gets_nothing_more_and_its_owner_is_told() {
    let gateway = Gateway::start_with(&[FAST]).await;
    let (gone, other) = (Receiver::start().await, Receiver::start().await);
    let webhook = gateway.admin.webhook(&gone.url, &["*"]).await;
    gateway.admin.webhook(&other.url, &["webhook.*"]).await;
    gone.statuses([410]);
    try_out(&gateway.admin, &webhook).await;
    let told = other.gets_event("webhook.disabled").await.event();
    assert_eq!((&told["data"]["webhookId"], &told["data"]["reason"]), (&webhook["id"], &json!("gone")));
    // Who may see events may not always see all of an address.
    assert!(told["data"]["url"].as_str().is_some_and(|url| url.ends_with("/…")), "{told}");
    let off = now(&gateway.admin, &webhook).await;
    assert_eq!((&off["active"], &off["disabledReason"]), (&json!(false), &json!("gone")));
    let tries = gateway.admin.tries(&webhook, 1).await;
    assert_eq!((&tries[0]["status"], &tries[0]["responseStatus"]), (&json!("failed"), &json!(410)));
    let path = format!("/v1/webhooks/{}/test", webhook["id"].as_str().unwrap());
    gateway.admin.call(&path).await.expect_problem(409, "webhook_inactive");

    // Its owner may switch it on again.
    gone.statuses([204]);
    let on = switch(&gateway.admin, &webhook, true).await.json;
    assert_eq!((&on["active"], &on["disabledReason"]), (&json!(true), &Value::Null));
    try_out(&gateway.admin, &webhook).await;
    gone.gets(2).await;
}

#[tokio::test]
async fn five_days_of_nothing_but_failures_switch_a_webhook_off() {
    // Five days become 4.3 seconds.
    let gateway = Gateway::start_with(&[("KURIR_WEBHOOK_RETRY_SCALE", "0.00001")]).await;
    let (failing, other) = (Receiver::start().await, Receiver::start().await);
    let webhook = gateway.admin.webhook(&failing.url, &["message.*"]).await;
    gateway.admin.webhook(&other.url, &["webhook.disabled"]).await;
    failing.statuses([500]);
    try_out(&gateway.admin, &webhook).await;
    let tries = gateway.admin.tries(&webhook, 11).await;
    assert_eq!(tries[0]["status"], "failed");
    assert_eq!(now(&gateway.admin, &webhook).await["active"], true, "one event is not five days");
    tokio::time::sleep(Duration::from_secs(5)).await;
    try_out(&gateway.admin, &webhook).await;
    let told = other.gets_event("webhook.disabled").await.event();
    assert_eq!(told["data"]["reason"], "failing");
    let off = now(&gateway.admin, &webhook).await;
    assert_eq!((&off["active"], &off["disabledReason"]), (&json!(false), &json!("failing")));
    // What was queued is dropped, and the log says so.
    let path = format!("/v1/webhooks/{}/deliveries?status=dropped", webhook["id"].as_str().unwrap());
    eventually("the next try is dropped", async || {
        let items = gateway.admin.get(&path).await.expect(200).json["items"].clone();
        (!items.as_array().unwrap().is_empty()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_is_queued_for_a_deleted_webhook_is_dropped() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    let webhook = gateway.admin.webhook(&receiver.url, &["*"]).await;
    receiver.statuses([500]);
    try_out(&gateway.admin, &webhook).await;
    receiver.gets(1).await;
    let path = format!("/v1/webhooks/{}", webhook["id"].as_str().unwrap());
    gateway.admin.delete(&path).await.expect(204);
    eventually("the next try is dropped", async || {
        gateway.log().contains("dropped: the webhook is gone").then_some(())
    })
    .await;
    assert_eq!(receiver.calls().len(), 1);
    gateway.admin.get(&path).await.expect_problem(404, "not_found");
    gateway.admin.get(&format!("{path}/deliveries")).await.expect_problem(404, "not_found");
    gateway.admin.delete(&path).await.expect_problem(404, "not_found");
    assert_eq!(gateway.admin.get("/v1/webhooks").await.json["items"], json!([]));
}

#[tokio::test]
async fn a_delivery_is_sent_again_when_its_owner_wants_it() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    let webhook = gateway.admin.webhook(&receiver.url, &["*"]).await;
    let delivery = try_out(&gateway.admin, &webhook).await;
    gateway.admin.tries(&webhook, 1).await;
    let path = |delivery: &str| {
        format!("/v1/webhooks/{}/deliveries/{delivery}/redeliver", webhook["id"].as_str().unwrap())
    };
    let again = gateway.admin.call(&path(&delivery)).await.expect(202).json;
    assert_ne!(again["deliveryId"], delivery.as_str());
    let calls = receiver.gets(2).await;
    assert_eq!(calls[0].body, calls[1].body);
    assert_eq!(calls[0].header("webhook-id"), calls[1].header("webhook-id"));
    let tries = gateway.admin.tries(&webhook, 2).await;
    assert_eq!((&tries[0]["trigger"], &tries[0]["deliveryId"]), (&json!("redelivery"), &again["deliveryId"]));
    let unknown = path("dlv_01M7XV57GBZ89BFE1MY4WYHDM6");
    gateway.admin.call(&unknown).await.expect_problem(404, "not_found");
    let request = gateway.api.request(Method::POST, &path(&delivery));
    gateway.api.send(request).await.expect_problem(401, "unauthenticated");
}
