//! Steps of messages: what is written when one moves forward.

use crate::{
    clock::Timestamp,
    domain::{
        jid::Jid,
        message::{Message, MessageStatus, SendFailure},
    },
};

/// A step forward of a message's status, or several at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The new status.
    pub status: MessageStatus,
    /// When WhatsApp's server took it.
    pub sent_at: Option<Timestamp>,
    /// When the recipient's phone had it.
    pub delivered_at: Option<Timestamp>,
    /// When the recipient read it.
    pub read_at: Option<Timestamp>,
    /// Why it failed, and when.
    pub failure: Option<(SendFailure, Timestamp)>,
    /// Which message may take it; any, when not given.
    pub only: Option<Only>,
}

/// What a message must be for a step to be taken. Any other stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Only {
    /// Of this link of its device.
    pub generation: u32,
    /// In one of these chats; in any, when there are none.
    pub chats: Vec<Jid>,
}

impl Only {
    /// Whether a message of a chat may take the step, as far as the chat is concerned.
    pub fn takes(&self, chat: &Jid) -> bool {
        self.chats.is_empty() || self.chats.contains(chat)
    }
}

impl Step {
    /// A step that needs no more than a time. A step to `sending` counts as an attempt. A receipt may overtake
    /// the server's ack, and the second one the first: each says what came before it, too.
    pub fn to(status: MessageStatus, at: Timestamp) -> Self {
        use MessageStatus::{Delivered, Read, Sent};
        let when = |statuses: &[MessageStatus]| statuses.contains(&status).then_some(at);
        Self {
            status,
            sent_at: when(&[Sent, Delivered, Read]),
            delivered_at: when(&[Delivered, Read]),
            read_at: when(&[Read]),
            failure: None,
            only: None,
        }
    }

    /// The same, for such a message only.
    #[must_use]
    pub fn only(self, only: Only) -> Self {
        Self { only: Some(only), ..self }
    }

    /// Giving up, and why.
    pub fn failed(error: SendFailure, at: Timestamp) -> Self {
        Self { failure: Some((error, at)), ..Self::to(MessageStatus::Failed, at) }
    }

    /// Both steps in one, which goes as far as the one that goes farther. What happened first tells when. Which
    /// messages may take it is as this one says.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let first = |a: Option<Timestamp>, b: Option<Timestamp>| a.into_iter().chain(b).min();
        let farther = if self.status.may_become(other.status) { other.status } else { self.status };
        Self {
            status: farther,
            sent_at: first(self.sent_at, other.sent_at),
            delivered_at: first(self.delivered_at, other.delivered_at),
            read_at: first(self.read_at, other.read_at),
            failure: self.failure.or(other.failure),
            only: self.only,
        }
    }
}

impl Step {
    /// The message after the step: what [`super::messages::advance`] writes.
    pub(super) fn taken_by(&self, before: &Message) -> Message {
        Message {
            status: self.status,
            attempts: before.attempts + u32::from(self.status == MessageStatus::Sending),
            error: self.failure.as_ref().map(|(error, _)| error.clone()).or_else(|| before.error.clone()),
            sent_at: before.sent_at.or(self.sent_at),
            delivered_at: before.delivered_at.or(self.delivered_at),
            read_at: before.read_at.or(self.read_at),
            ..before.clone()
        }
    }
}
