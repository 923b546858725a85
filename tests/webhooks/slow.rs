//! Receivers that are slow, next to others.

use std::time::Duration;

use futures::future::join_all;
use tests::{Answers, Gateway, Receiver};
use tokio::time::Instant;

use crate::try_out;

/// Just quick enough to count as an answer.
const SLOW: Duration = Duration::from_secs(14);

#[tokio::test]
async fn a_webhook_that_is_slow_for_one_tenant_does_not_delay_anothers() {
    let gateway = Gateway::start().await;
    let (ani, _) = gateway.api.register("ani@example.com").await;
    let (budi, _) = gateway.api.register("budi@example.com").await;
    let (slow, quick) = (Receiver::start().await, Receiver::start().await);
    slow.answers([Answers::After(SLOW, 204)]);
    let start = Instant::now();
    // Several webhooks at one receiver that lets everybody wait.
    let mut webhooks = Vec::new();
    for _ in 0..4 {
        webhooks.push(ani.webhook(&slow.url, &["*"]).await);
    }
    for _ in 0..50 {
        join_all(webhooks.iter().map(|webhook| try_out(&ani, webhook))).await;
    }
    slow.gets(20).await;
    let theirs = budi.webhook(&quick.url, &["*"]).await;
    for n in 1..=20 {
        let began = Instant::now();
        try_out(&budi, &theirs).await;
        quick.gets(n).await;
        assert!(began.elapsed() < Duration::from_secs(3), "{:?} behind another's", began.elapsed());
    }
    let rounds = 1 + start.elapsed().as_secs() / SLOW.as_secs();
    let calls = slow.calls().len() as u64;
    // A quarter of the free connections, for the first tries and for those in the queue of slow receivers.
    assert!(calls <= 34 * rounds, "{calls} in {rounds} rounds: a tenant took more than its share");
}

#[tokio::test]
async fn what_got_no_connection_is_delivered_all_the_same_and_costs_no_try() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    receiver.answers([Answers::After(Duration::from_millis(500), 204)]);
    let webhook = gateway.admin.webhook(&receiver.url, &["*"]).await;
    for _ in 0..8 {
        join_all((0..5).map(|_| try_out(&gateway.admin, &webhook))).await;
    }
    receiver.gets(40).await;
    let tries = gateway.admin.tries(&webhook, 40).await;
    assert!(tries.iter().all(|one| one["attempt"] == 1 && one["status"] == "succeeded"));
    assert_eq!(receiver.calls().len(), 40);
}
