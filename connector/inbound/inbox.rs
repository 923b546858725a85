//! A device's inbox: where the socket puts messages before it acknowledges them.

use async_trait::async_trait;
use shared::{
    clock::Timestamp,
    domain::{
        jid,
        message::{Content, Unsupported},
    },
    services::{
        Error,
        messages::{self, Delivery},
    },
};

use crate::{
    session::Place,
    shard::Worker,
    whatsapp::{Chat, Identity, InboundContent, InboundMessage, Inbox, InboxError},
};

/// Stores what one device receives.
pub(crate) struct DeviceInbox {
    worker: Worker,
    place: Place,
}

impl DeviceInbox {
    /// The inbox of a device.
    pub fn new(worker: Worker, place: Place) -> Self {
        Self { worker, place }
    }

    async fn store_one(&self, message: InboundMessage) -> Result<(), Error> {
        let Place { tenant, device, .. } = self.place;
        let is_group = message.is_group();
        let sender = identity_of(&message.sender);
        let chat = match &message.chat {
            Chat::Person(person) => identity_of(person),
            Chat::Group(group) => group.parse::<jid::Jid>().map(jid::Identity::from).unwrap_or_default(),
            // Status updates, broadcasts and channels are no conversations.
            Chat::Other(_) => return Ok(()),
        };
        for identity in [&chat, &sender] {
            if let (Some(lid), Some(phone)) = (&identity.lid, &identity.phone)
                && !is_group_jid(phone)
            {
                self.worker.contacts.learn(&self.worker.ctx, self.place, lid, phone).await?;
            }
        }
        let delivery = Delivery {
            chat,
            sender,
            from_owner: message.from_me,
            push_name: message.push_name,
            wa_message_id: message.wa_message_id,
            content: match message.content {
                InboundContent::Text(body) => Content::text(body),
                InboundContent::Unsupported { kind } => {
                    Content::Unsupported { unsupported: Unsupported { kind } }
                }
            },
            sent_at: Timestamp::from_unix_millis(message.timestamp),
            is_group,
        };
        messages::record_delivery(&self.worker.ctx, tenant, device, delivery).await.map(drop)
    }
}

#[async_trait]
impl Inbox for DeviceInbox {
    async fn store(&self, messages: Vec<InboundMessage>) -> Result<(), InboxError> {
        for message in messages {
            self.store_one(message).await.map_err(|error| {
                let cause = error.cause.as_ref().map(ToString::to_string).unwrap_or_default();
                InboxError(format!("{error} {cause}"))
            })?;
        }
        Ok(())
    }
}

fn is_group_jid(jid: &jid::Jid) -> bool {
    jid.server() == jid::Server::Group
}

fn identity_of(identity: &Identity) -> jid::Identity {
    let read = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok());
    jid::Identity { phone: read(&identity.pn), lid: read(&identity.lid) }
}
