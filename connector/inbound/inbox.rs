//! A device's inbox: where the socket puts messages before it acknowledges them.

use std::sync::Arc;

use async_trait::async_trait;
use shared::{
    clock::Timestamp,
    domain::{
        jid,
        message::{Content, MAX_TEXT_CHARS, Unsupported},
    },
    services::{
        Category, Error,
        messages::{self, Delivery},
    },
};
use tokio::sync::Notify;

use crate::{
    retry::patiently,
    session::Place,
    shard::Worker,
    whatsapp::{Chat, Identity, InboundContent, InboundMessage, Inbox, InboxError},
};

/// The longest name that a sender is shown with, in characters.
const MAX_NAME_CHARS: usize = 200;

/// Stores what one device receives.
pub(crate) struct DeviceInbox {
    worker: Worker,
    place: Place,
    /// Told when messages could not be stored. WhatsApp delivers them again after the next connect only.
    failed: Arc<Notify>,
}

impl DeviceInbox {
    /// The inbox of a device.
    pub fn new(worker: Worker, place: Place, failed: Arc<Notify>) -> Self {
        Self { worker, place, failed }
    }

    async fn store_one(&self, message: &InboundMessage) -> Result<(), Error> {
        let Place { tenant, device, .. } = self.place;
        let sender = identity_of(&message.sender);
        let chat = match &message.chat {
            Chat::Person(person) => identity_of(person),
            Chat::Group(group) => group.parse::<jid::Jid>().map(jid::Identity::from).unwrap_or_default(),
            // Status updates, broadcasts and channels are no conversations.
            Chat::Other(_) => return Ok(()),
        };
        for identity in [&chat, &sender] {
            if let (Some(lid), Some(phone)) = (&identity.lid, &identity.phone) {
                self.worker.contacts.learn(&self.worker.ctx, &self.place, lid, phone).await?;
            }
        }
        let delivery = Delivery {
            chat,
            sender,
            from_owner: message.from_me,
            push_name: message.push_name.as_ref().map(|name| name.chars().take(MAX_NAME_CHARS).collect()),
            wa_message_id: message.wa_message_id.clone(),
            content: content_of(&message.content),
            sent_at: Timestamp::from_unix_millis(message.timestamp),
            is_group: message.is_group(),
        };
        messages::record_delivery(&self.worker.ctx, tenant, device, delivery).await.map(drop)
    }
}

#[async_trait]
impl Inbox for DeviceInbox {
    async fn store(&self, messages: Vec<InboundMessage>) -> Result<(), InboxError> {
        for message in messages {
            let Err(error) = patiently(|| self.store_one(&message)).await else { continue };
            let cause = error.cause.as_deref().map(ToString::to_string).unwrap_or_default();
            if error.category == Category::Unavailable {
                self.failed.notify_one();
                return Err(InboxError(format!("{error} {cause}")));
            }
            // It will never be stored, and must not keep those behind it from being stored.
            let (device, id) = (self.place.device, &message.wa_message_id);
            tracing::error!(%device, id, %error, cause, "a message that arrived cannot be stored and is lost");
        }
        Ok(())
    }
}

/// What is kept of a content. A text longer than WhatsApp's own clients send does not fit a row.
fn content_of(content: &InboundContent) -> Content {
    let unsupported = |kind: &str| Content::Unsupported { unsupported: Unsupported { kind: kind.into() } };
    match content {
        InboundContent::Text(body) if body.chars().count() > MAX_TEXT_CHARS => unsupported("too_large"),
        InboundContent::Text(body) => Content::text(body),
        InboundContent::Unsupported { kind } => unsupported(kind),
    }
}

fn identity_of(identity: &Identity) -> jid::Identity {
    let read = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok());
    jid::Identity { phone: read(&identity.pn), lid: read(&identity.lid) }
}
