//! Storing a message that WhatsApp delivered, before WhatsApp is told that it arrived.

use super::identity::{canonical, chat_of};
use crate::{
    clock::Timestamp,
    domain::{
        chat::Chat,
        content::Content,
        device::Link,
        ids::MessageId,
        jid::{Identity, Jid},
        message::{Direction, Message, MessageStatus, Priority},
    },
    services::{Context, Error},
    store::{
        chats,
        messages::{self, Inserted},
    },
};

/// A message as WhatsApp delivered it.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The chat: the other person, or the group.
    pub chat: Identity,
    /// Who wrote it.
    pub sender: Identity,
    /// Whether the owner wrote it, on the phone or another linked device.
    pub from_owner: bool,
    /// What the sender calls itself.
    pub push_name: Option<String>,
    /// The id that WhatsApp knows it by.
    pub wa_message_id: String,
    /// What it holds.
    pub content: Content,
    /// When WhatsApp's server took it.
    pub sent_at: Timestamp,
    /// Whether the chat is a group.
    pub is_group: bool,
}

/// Stores a delivered message with its chat. What it shows of identities is recorded before
/// ([`super::record_identity`]), so that the chat is the right one. WhatsApp may deliver it
/// again: the same message has the same id and is stored once. Says which message it is, and whether it is
/// new.
pub async fn record_delivery(
    ctx: &Context,
    link: Link,
    delivery: Delivery,
) -> Result<Option<(Message, bool)>, Error> {
    let (Some(chat), Some(sender)) = (delivery.chat.preferred(), delivery.sender.preferred()) else {
        tracing::warn!(device = %link.device, id = delivery.wa_message_id, "a delivered message names no chat or sender");
        return Ok(None);
    };
    let chat = chat_of(ctx, link, chat.clone()).await?;
    let sender = canonical(ctx, link, sender.clone()).await?;
    let message = message_of(ctx.now(), link, &delivery, chat.clone(), sender);
    let retention = ctx.retentions.of(&ctx.db, link.tenant).await?;
    let inserted = messages::insert_delivered(&ctx.db, link.tenant, &message, retention).await?;
    let (message, is_new) = match inserted {
        Inserted::New => (message, true),
        Inserted::Existing { message, .. } => (Message { chat, ..*message }, false),
    };
    let shown = Chat {
        lid: delivery.chat.lid.clone(),
        name: delivery.push_name.filter(|_| !delivery.from_owner && !delivery.is_group),
        ..Chat::showing(&message)
    };
    chats::touch(&ctx.db, link, &shown, retention).await?;
    Ok(Some((message, is_new)))
}

fn message_of(now: Timestamp, link: Link, delivery: &Delivery, chat: Jid, sender: Jid) -> Message {
    // The LID comes with nearly every message, whatever address the chat uses: it does not change.
    let Identity { lid, phone } = &delivery.sender;
    let author = lid.as_ref().or(phone.as_ref()).map_or("", Jid::user);
    let group = delivery.is_group.then_some(&chat);
    let id = match delivery.from_owner {
        true => MessageId::of_owner(link, group, &delivery.wa_message_id),
        false => MessageId::of_delivery(link, author, group, &delivery.wa_message_id),
    };
    let (direction, status) = match delivery.from_owner {
        true => (Direction::Outgoing, MessageStatus::Sent),
        false => (Direction::Incoming, MessageStatus::Received),
    };
    Message {
        id,
        device_id: link.device,
        sender: (sender != chat || delivery.from_owner).then_some(sender),
        from_name: delivery.push_name.clone().filter(|_| !delivery.from_owner),
        chat,
        direction,
        content: delivery.content.clone().fitting(),
        status,
        wa_message_id: delivery.wa_message_id.clone(),
        link_generation: link.generation,
        priority: Priority::Normal,
        attempts: 0,
        error: None,
        created_at: now,
        expires_at: None,
        sent_at: Some(delivery.sent_at),
        delivered_at: None,
        read_at: None,
    }
}
