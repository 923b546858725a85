//! Second deliveries of SQS's messages.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use axum::body::Bytes;
use serde_json::{Value, json};
use tokio::time::Instant;

/// Messages that have been received once and will be again.
#[derive(Default)]
pub(super) struct Copies(Mutex<Vec<Copy>>);

struct Copy {
    queue: String,
    due: Instant,
    message: Value,
}

impl Copies {
    /// Keeps the messages of an answer.
    pub(super) fn keep(&self, queue: &str, answer: &[u8], pause: impl Fn() -> Duration) {
        let answer: Value = serde_json::from_slice(answer).unwrap_or_default();
        let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
        let copies = messages.into_iter().map(|message| Copy {
            queue: queue.to_owned(),
            due: Instant::now() + pause(),
            message,
        });
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(copies);
    }

    /// Up to ten whose time has come.
    pub(super) fn due(&self, queue: &str) -> Option<Vec<Value>> {
        let now = Instant::now();
        let mut copies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due: Vec<usize> = (0..copies.len())
            .filter(|at| copies[*at].queue == queue && copies[*at].due <= now)
            .take(10)
            .collect();
        // From behind, so that the places in front stay what they are.
        let mut messages: Vec<Value> = due.iter().rev().map(|at| copies.remove(*at).message).collect();
        messages.reverse();
        (!messages.is_empty()).then_some(messages)
    }
}

/// The name of the queue that a request is about; empty when it is about none.
pub(super) fn queue_of(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let name = body["QueueName"].as_str().or_else(|| body["QueueUrl"].as_str()?.rsplit('/').next());
    name.unwrap_or_default().to_owned()
}

/// The same request with a poll that leaves room for second deliveries.
pub(super) fn with_short_poll(body: &Bytes) -> Bytes {
    let mut wish: Value = serde_json::from_slice(body).unwrap_or_default();
    wish["WaitTimeSeconds"] = json!(1);
    wish.to_string().into()
}
