//! When tries are made.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Gateway, Receiver};

use crate::try_out;

#[tokio::test]
async fn the_first_retries_come_after_one_two_and_four_seconds() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    let webhook = gateway.admin.webhook(&receiver.url, &["*"]).await;
    receiver.statuses([500, 500, 500, 204]);
    try_out(&gateway.admin, &webhook).await;
    let calls = receiver.gets(4).await;
    for (n, pause) in [1.0, 2.0, 4.0].into_iter().enumerate() {
        let took = (calls[n + 1].at - calls[n].at).as_secs_f64();
        // A tenth more or less, and the queue counts in whole seconds.
        assert!((pause * 0.9 - 0.6..=pause * 1.1 + 2.0).contains(&took), "retry {n} after {took} s");
    }
}

#[tokio::test]
async fn after_eleven_tries_nothing_more_is_sent() {
    let gateway = Gateway::start_with(&[("KURIR_WEBHOOK_RETRY_SCALE", "0.0001")]).await;
    let receiver = Receiver::start().await;
    let webhook = gateway.admin.webhook(&receiver.url, &["*"]).await;
    receiver.statuses([503]);
    try_out(&gateway.admin, &webhook).await;
    let tries = gateway.admin.tries(&webhook, 11).await;
    assert_eq!((&tries[0]["status"], &tries[0]["nextAttemptAt"]), (&json!("failed"), &Value::Null));
    assert_eq!(tries[0]["attempt"], 11);
    assert!(tries[1..].iter().all(|one| one["status"] == "retrying"));
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(receiver.calls().len(), 11);
}
