//! What could not be done, now or ever, and was passed over so that everything else goes on.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ids::{DeviceId, SetAsideId, TenantId};
use crate::clock::Timestamp;

/// Something that was passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SetAside {
    /// Its id.
    pub id: SetAsideId,
    /// What it is.
    pub what: SetAsideKind,
    /// Whose it is.
    pub tenant_id: TenantId,
    /// Of which device.
    pub device_id: Option<DeviceId>,
    /// What it is known by: the id of the message or of what the event tells of.
    pub subject: Option<String>,
    /// Why it could not be done.
    pub reason: String,
    /// When it was set aside.
    pub at: Timestamp,
    /// How large what is kept of it, sealed, is, in bytes; null when nothing is.
    pub kept_bytes: Option<u32>,
}

/// What can be set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum SetAsideKind {
    /// A message that arrived and could not be stored.
    ReceivedMessage,
    /// A message in the outbox that cannot be read.
    QueuedMessage,
    /// A step of a message, or receipts of it, that could not be written down.
    MessageStep,
    /// An event that the queue does not take.
    Event,
}

impl SetAsideKind {
    /// The API's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ReceivedMessage => "receivedMessage",
            Self::QueuedMessage => "queuedMessage",
            Self::MessageStep => "messageStep",
            Self::Event => "event",
        }
    }
}
