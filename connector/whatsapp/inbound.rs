//! Messages that arrive.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use shared::domain::content::Content;
use whatsapp_rust::{
    Client, InboundDurabilityHook, Jid, anyhow,
    prelude::MessageInfo,
    types::{events, message::MessageCategory},
    wacore_binary::JidExt,
};

use super::{Identity, Receipt, content};

/// Where goes what arrives. WhatsApp is told that a message arrived only after this stored it.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Stores the messages, all or none, in this order. The same message (chat, sender, id) may come
    /// again, and then must not count twice.
    ///
    /// # Errors
    /// WhatsApp gets no ack and delivers the messages again after the next connect.
    async fn store(&self, messages: Vec<InboundMessage>) -> Result<(), InboxError>;

    /// Stores messages that WhatsApp does not deliver a second time, such as those that the phone sent again
    /// on request. Returns when they are stored, or when this process may not store them any more.
    async fn keep(&self, messages: Vec<InboundMessage>);

    /// Notes a receipt down, which WhatsApp sends once.
    async fn receipt(&self, receipt: Receipt);

    /// A group (its JID) is called so.
    async fn group_subject(&self, group: String, subject: String);

    /// A phone number and a LID (as JIDs) were found to be the same person.
    async fn learned(&self, pn: String, lid: String);
}

/// The messages were not stored.
#[derive(Debug, thiserror::Error)]
#[error("the messages were not stored: {0}")]
pub struct InboxError(pub String);

/// One decrypted message.
#[derive(Clone, PartialEq, Eq)]
pub struct InboundMessage {
    /// Unique within chat and sender only.
    pub wa_message_id: String,
    /// For a message that the owner sent from the phone or another linked device: the recipient.
    pub chat: Chat,
    pub sender: Identity,
    /// Sent by the device's owner, from the phone or another linked device.
    pub from_me: bool,
    /// The name the sender gave itself.
    pub push_name: Option<String>,
    /// When the server took it; unix time, milliseconds.
    pub timestamp: i64,
    /// It had waited at WhatsApp while the device was not connected.
    pub offline: bool,
    pub content: Content,
}

/// The chat a message belongs to.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Chat {
    Person(Identity),
    /// A group's JID, `…@g.us`.
    Group(String),
    /// Anything else by its JID: status updates, broadcast lists, channels.
    Other(String),
}

impl InboundMessage {
    /// Whether it was sent to a group.
    pub fn is_group(&self) -> bool {
        matches!(self.chat, Chat::Group(_))
    }
}

impl Chat {
    /// The JID the chat is filed under: the phone number's when known, else the LID; or the group's.
    pub fn jid(&self) -> Option<&str> {
        match self {
            Self::Person(identity) => identity.preferred(),
            Self::Group(jid) | Self::Other(jid) => Some(jid),
        }
    }
}

/// Stands between the library and the inbox: the library acknowledges what this stored.
pub(super) struct InboxHook(pub Arc<dyn Inbox>);

#[async_trait]
impl InboundDurabilityHook for InboxHook {
    async fn on_messages(&self, client: Arc<Client>, batch: &[events::InboundMessage]) -> anyhow::Result<()> {
        let messages = translate_all(&client, batch).await;
        if messages.is_empty() {
            return Ok(());
        }
        self.0.store(messages).await.map_err(Into::into)
    }
}

/// What a batch says; what says nothing to a person is left out.
pub(super) async fn translate_all(client: &Client, batch: &[events::InboundMessage]) -> Vec<InboundMessage> {
    let mut messages = Vec::with_capacity(batch.len());
    for item in batch {
        messages.extend(translate(client, item).await);
    }
    messages
}

async fn translate(client: &Client, item: &events::InboundMessage) -> Option<InboundMessage> {
    let info = &item.info;
    if info.category == MessageCategory::Peer {
        return None;
    }
    let content = content::from_wire(&item.message)?;
    let sender = Identity::resolve(client, &info.source.sender, info.source.sender_alt.as_ref()).await;
    let chat = chat_of(client, info, &sender).await;
    Some(InboundMessage {
        wa_message_id: info.id.clone(),
        chat,
        sender,
        from_me: info.source.is_from_me,
        push_name: Some(info.push_name.clone()).filter(|name| !name.is_empty()),
        timestamp: info.timestamp.timestamp_millis(),
        offline: info.is_offline,
        content,
    })
}

async fn chat_of(client: &Client, info: &MessageInfo, sender: &Identity) -> Chat {
    let source = &info.source;
    if !Chat::is_person(&source.chat) {
        return Chat::of_many(&source.chat);
    }
    if source.is_from_me {
        let other = source.recipient_alt.as_ref().or(info.peer_recipient_pn.as_ref());
        return Chat::Person(Identity::resolve(client, &source.chat, other).await);
    }
    Chat::Person(sender.clone())
}

impl Chat {
    pub(super) fn is_person(jid: &Jid) -> bool {
        jid.is_pn() || jid.is_lid()
    }

    /// The chat of a JID that is no person's.
    pub(super) fn of_many(jid: &Jid) -> Self {
        let address = jid.to_non_ad_string();
        if jid.is_group() { Self::Group(address) } else { Self::Other(address) }
    }
}

impl fmt::Debug for Chat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(identity) => f.debug_tuple("Person").field(identity).finish(),
            Self::Group(_) => f.write_str("Group"),
            Self::Other(_) => f.write_str("Other"),
        }
    }
}

impl fmt::Debug for InboundMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InboundMessage")
            .field("wa_message_id", &self.wa_message_id)
            .field("chat", &self.chat)
            .field("from_me", &self.from_me)
            .field("timestamp", &self.timestamp)
            .field("content", &self.content)
            .finish_non_exhaustive()
    }
}
