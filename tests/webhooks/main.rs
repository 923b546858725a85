//! Webhooks: events on their way to receivers that take them, fail, hang, lie or are slow.

mod failures;
mod kinds;
mod restart;
mod schedule;
mod secrets;
mod slow;
mod tls;
mod verifier;

use serde_json::{Value, json};
use tests::{Answer, Api};

/// Sends a test event; its delivery's id.
async fn try_out(owner: &Api, webhook: &Value) -> String {
    let id = webhook["id"].as_str().unwrap();
    let queued = owner.call(&format!("/v1/webhooks/{id}/test")).await.expect(202).json;
    queued["deliveryId"].as_str().unwrap().to_owned()
}

/// A webhook as it is now.
async fn now(owner: &Api, webhook: &Value) -> Value {
    owner.get(&format!("/v1/webhooks/{}", webhook["id"].as_str().unwrap())).await.expect(200).json
}

/// Switches a webhook on or off.
async fn switch(owner: &Api, webhook: &Value, on: bool) -> Answer {
    let path = format!("/v1/webhooks/{}", webhook["id"].as_str().unwrap());
    owner.patch(&path, json!({"active": on})).await.expect(200)
}
