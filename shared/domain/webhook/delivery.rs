//! What is written down of each try to deliver an event.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    clock::Timestamp,
    domain::{
        event::EventType,
        ids::{DeliveryId, EventId, WebhookId},
    },
};

/// How much of an answer is kept, in bytes.
pub const MAX_BODY_BYTES: usize = 2_048;

/// One try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// The delivery that it belongs to.
    pub delivery_id: DeliveryId,
    /// The event.
    pub event_id: EventId,
    /// Its type.
    pub event_type: EventType,
    /// Why there is a delivery.
    pub trigger: Trigger,
    /// Its number within the delivery; the first is 1.
    pub attempt: u32,
    /// What came of it.
    pub status: AttemptStatus,
    /// The status of the answer; null when there was none.
    pub response_status: Option<u16>,
    /// The first 2 KB of the answer.
    pub response_body: Option<String>,
    /// How long it took.
    pub latency_ms: Option<u64>,
    /// What went wrong.
    pub error: Option<String>,
    /// When.
    pub at: Timestamp,
    /// When it is tried again.
    pub next_attempt_at: Option<Timestamp>,
}

/// What came of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AttemptStatus {
    /// The receiver took it (2xx).
    Succeeded,
    /// It did not, and is asked again.
    Retrying,
    /// It did not, and that was the last try.
    Failed,
    /// Nothing was sent: the webhook is not active any more, or the event is no longer kept.
    Dropped,
}

impl AttemptStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Succeeded, Self::Retrying, Self::Failed, Self::Dropped];

    /// The API's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Retrying => "retrying",
            Self::Failed => "failed",
            Self::Dropped => "dropped",
        }
    }

    /// From the API's word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == text)
    }
}

/// Why there is a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    /// The event happened.
    Event,
    /// The owner tries the webhook out.
    Test,
    /// The owner wants this one again.
    Redelivery,
    /// The owner wants a range of time again.
    Replay,
}

/// The `webhook-id` of an event at a webhook: the same however often it is delivered there, so that a receiver
/// recognises what it has seen. It has no dots, as the specification wants it.
pub fn webhook_message_id(event: EventId, webhook: WebhookId) -> String {
    format!("{event}-{webhook}")
}
