//! Messages and the way of their status.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    content::Content,
    device::Link,
    ids::{DeviceId, MessageId, TenantId},
    jid::Jid,
    stored::{Word, word},
};
use crate::{clock::Timestamp, crypto};

/// One message of a device, in either direction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// The device that sent or received it.
    pub device_id: DeviceId,
    /// The chat that it belongs to: a phone-number JID when the number is known, else a LID, or a group.
    pub chat: Jid,
    /// Who wrote it, in a group or when it is not the chat itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<Jid>,
    /// What its sender calls itself, of what was received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_name: Option<String>,
    /// From or to the device.
    pub direction: Direction,
    /// What it holds.
    #[serde(flatten)]
    pub content: Content,
    /// How far it has come.
    #[serde(deserialize_with = "word")]
    pub status: MessageStatus,
    /// The id that WhatsApp knows it by.
    pub wa_message_id: String,
    /// Which of the device's numbers it belongs to, counted from 0; absent for the first.
    #[serde(default, skip_serializing_if = "is_first")]
    pub link_generation: u32,
    /// Whether it waits behind others.
    #[serde(default, deserialize_with = "word", skip_serializing_if = "Priority::is_normal")]
    pub priority: Priority,
    /// How often sending it was tried.
    pub attempts: u32,
    /// Why it failed.
    pub error: Option<SendFailure>,
    /// When it was accepted or received.
    pub created_at: Timestamp,
    /// When it is given up if still unsent.
    pub expires_at: Option<Timestamp>,
    /// When WhatsApp's server took it.
    pub sent_at: Option<Timestamp>,
    /// When the recipient's phone had it.
    pub delivered_at: Option<Timestamp>,
    /// When the recipient read it.
    pub read_at: Option<Timestamp>,
}

impl Message {
    /// The link that it belongs to: its device under one of its numbers.
    pub fn link(&self, tenant: TenantId) -> Link {
        Link { tenant, device: self.device_id, generation: self.link_generation }
    }
}

/// Whether a link generation is the first.
pub(crate) fn is_first(generation: &u32) -> bool {
    *generation == 0
}

/// From or to the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Received by the device.
    Incoming,
    /// Sent by the device, or by its owner's phone.
    Outgoing,
}

/// Whether a message may wait behind others.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// In its turn.
    #[default]
    Normal,
    /// Behind all others.
    Bulk,
}

impl Word for Priority {
    const UNKNOWN: Self = Self::Normal;
}

impl Priority {
    /// Whether it is the usual one.
    pub fn is_normal(&self) -> bool {
        *self == Self::Normal
    }
}

/// Why a message failed for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SendFailure {
    /// A stable word for programs.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}

impl SendFailure {
    /// A failure with its code and sentence.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }
}

/// How far a message has come. It only moves forward: see [`MessageStatus::may_become`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MessageStatus {
    /// Accepted, waiting for its turn.
    Queued,
    /// On its way to WhatsApp's server.
    Sending,
    /// Taken by WhatsApp's server.
    Sent,
    /// On the recipient's phone.
    Delivered,
    /// Read by the recipient.
    Read,
    /// Given up; see `error`.
    Failed,
    /// Withdrawn while queued.
    Cancelled,
    /// Received by the device.
    Received,
    /// As a newer version of Kurir has it.
    #[serde(skip_deserializing)]
    Unknown,
}

impl Word for MessageStatus {
    const UNKNOWN: Self = Self::Unknown;
}

impl MessageStatus {
    /// All that this version knows.
    pub const ALL: [Self; 8] = [
        Self::Queued,
        Self::Sending,
        Self::Sent,
        Self::Delivered,
        Self::Read,
        Self::Failed,
        Self::Cancelled,
        Self::Received,
    ];

    /// Whether a message in this status may go on to `next`. `sending` may come again: that is a replay
    /// after a crash. Receipts may overtake each other and the server's ack, so a step may be skipped.
    pub fn may_become(self, next: Self) -> bool {
        use MessageStatus::*;
        match next {
            Queued | Received | Unknown => false,
            Sending => matches!(self, Queued | Sending),
            Sent => matches!(self, Queued | Sending),
            Delivered => matches!(self, Queued | Sending | Sent),
            Read => matches!(self, Queued | Sending | Sent | Delivered),
            Failed => matches!(self, Queued | Sending),
            Cancelled => matches!(self, Queued),
        }
    }

    /// The statuses from which `next` may be reached: the condition of a forward-only write.
    pub fn before(next: Self) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |status| status.may_become(next))
    }

    /// The API's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Received => "received",
            Self::Unknown => "unknown",
        }
    }
}

impl MessageId {
    /// The id of a send that carries an `Idempotency-Key`: always the same for the same tenant, device
    /// and key, so that one conditional put makes the request idempotent.
    pub fn of_idempotent_send(tenant: TenantId, device: DeviceId, key: &str) -> Self {
        Self::derived(crypto::digest_of(&[
            b"send",
            tenant.to_string().as_bytes(),
            device.to_string().as_bytes(),
            key.as_bytes(),
        ]))
    }

    /// The id of a message that WhatsApp delivered: always the same for the same message, so that a
    /// second delivery is recognised. Sender, group and link are part of it, since WhatsApp's ids are the
    /// senders' own choice: nobody can hide a message behind the id of another. In a chat of two, the sender
    /// says which chat it is.
    pub fn of_delivery(link: Link, sender: &str, group: Option<&Jid>, wa_message_id: &str) -> Self {
        let (device, generation) = (link.device.to_string(), link.generation.to_string());
        let group = group.map(ToString::to_string);
        let mut parts =
            vec![b"delivery".as_slice(), device.as_bytes(), sender.as_bytes(), wa_message_id.as_bytes()];
        parts.extend(group.as_ref().map(String::as_bytes));
        if link.generation > 0 {
            parts.extend([b"generation".as_slice(), generation.as_bytes()]);
        }
        Self::derived(crypto::digest_of(&parts))
    }

    /// The same for what the owner wrote, on the phone or another linked device.
    pub fn of_owner(link: Link, group: Option<&Jid>, wa_message_id: &str) -> Self {
        Self::of_delivery(link, "owner", group, wa_message_id)
    }

    /// The id under which this message goes to WhatsApp, in the form of WhatsApp Web's own ids: `3EB0`
    /// and 18 hex digits. Derived, so that a replay after a crash carries the same id.
    pub fn wa_message_id(self) -> String {
        let digest = crypto::digest_of(&[b"wa-message-id", self.to_string().as_bytes()]);
        format!("3EB0{}", hex::encode_upper(&digest[..9]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_status() -> impl Strategy<Value = MessageStatus> {
        prop::sample::select(MessageStatus::ALL.to_vec())
    }

    proptest! {
        #[test]
        fn a_status_never_goes_back(path in prop::collection::vec(any_status(), 1..12)) {
            let rank = |s: MessageStatus| match s {
                MessageStatus::Queued => 0,
                MessageStatus::Sending => 1,
                MessageStatus::Sent => 2,
                MessageStatus::Delivered => 3,
                MessageStatus::Read => 4,
                _ => 5,
            };
            let mut now = MessageStatus::Queued;
            for next in path {
                if now.may_become(next) {
                    prop_assert!(rank(next) >= rank(now));
                    now = next;
                }
            }
        }
    }

    #[test]
    fn ended_messages_stay_ended() {
        for end in [MessageStatus::Failed, MessageStatus::Cancelled, MessageStatus::Received] {
            assert!(MessageStatus::ALL.iter().all(|next| !end.may_become(*next)));
        }
    }

    #[test]
    fn the_same_id_of_the_same_sender_is_another_message_in_another_chat_and_at_another_number() {
        let link =
            Link { tenant: TenantId::derived([1; 32]), device: DeviceId::derived([2; 32]), generation: 0 };
        let other = Link { generation: 1, ..link };
        let groups: [Jid; 2] =
            ["120363000000000001@g.us", "120363000000000002@g.us"].map(|id| id.parse().unwrap());
        let mut ids = Vec::new();
        for link in [link, other] {
            for group in [None, Some(&groups[0]), Some(&groups[1])] {
                ids.push(MessageId::of_delivery(link, "123", group, "3A01"));
            }
        }
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }

    #[test]
    fn the_whatsapp_id_is_derived_and_has_the_form_of_web_clients() {
        let id = MessageId::derived([7; 32]);
        assert_eq!(id.wa_message_id(), id.wa_message_id());
        assert_eq!(id.wa_message_id().len(), 22);
        assert!(id.wa_message_id().starts_with("3EB0"));
    }
}
