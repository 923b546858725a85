//! What is on its way when the gateway dies.

use std::collections::BTreeSet;

use serde_json::Value;
use tests::{Gateway, Receiver, eventually};

use crate::try_out;

#[tokio::test]
async fn deliveries_that_wait_for_their_next_try_survive_the_death_of_the_gateway() {
    let gateway = Gateway::start().await;
    let receiver = Receiver::start().await;
    let webhook = gateway.admin.webhook(&receiver.url, &["*"]).await;
    receiver.statuses([500]);
    let mut ids = BTreeSet::new();
    for _ in 0..30 {
        ids.insert(try_out(&gateway.admin, &webhook).await);
    }
    receiver.gets(30).await;
    let gateway = gateway.kill_and_restart().await;
    receiver.statuses([204]);
    eventually("every delivery succeeds", async || {
        let path = format!("/v1/webhooks/{}/deliveries?status=succeeded&limit=100", text(&webhook["id"]));
        let items = gateway.admin.get(&path).await.expect(200).json["items"].clone();
        let done: BTreeSet<_> =
            items.as_array().unwrap().iter().map(|one| text(&one["deliveryId"]).to_owned()).collect();
        (done == ids).then_some(())
    })
    .await;
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
