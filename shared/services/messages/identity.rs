//! By which JID a contact goes.

use std::collections::HashMap;

use crate::{
    domain::{
        device::Link,
        ids::TenantId,
        jid::{Jid, Server},
        message::Message,
    },
    services::{Context, Error},
    store::contacts,
};

/// The JID that a chat goes by: the phone number's, when it is known for a LID.
pub(super) async fn canonical(ctx: &Context, link: Link, jid: Jid) -> Result<Jid, Error> {
    if jid.server() != Server::Lid {
        return Ok(jid);
    }
    Ok(contacts::phone_of(&ctx.db, link, &jid).await?.unwrap_or(jid))
}

/// The same, for a chat in which something is about to be stored.
pub(super) async fn chat_of(ctx: &Context, link: Link, jid: Jid) -> Result<Jid, Error> {
    if jid.server() != Server::Lid {
        return Ok(jid);
    }
    Ok(contacts::meet(&ctx.db, link, &jid).await?.number().unwrap_or(jid))
}

/// Shows messages in the chats that they are in now: those that were stored under a LID whose number became
/// known later are in the number's.
pub(super) async fn in_their_chats(
    ctx: &Context,
    tenant: TenantId,
    mut messages: Vec<Message>,
) -> Result<Vec<Message>, Error> {
    let mut lids: Vec<(Link, Jid)> = messages
        .iter()
        .filter(|message| message.chat.server() == Server::Lid)
        .map(|message| (message.link(tenant), message.chat.clone()))
        .collect();
    lids.sort_unstable_by_key(|(link, lid)| (link.device, link.generation, lid.clone()));
    lids.dedup();
    if lids.is_empty() {
        return Ok(messages);
    }
    let phones: HashMap<_, _> = contacts::phones_of(&ctx.db, &lids).await?;
    for message in &mut messages {
        if let Some(phone) = phones.get(&(message.link(tenant), message.chat.clone())) {
            message.chat = phone.clone();
        }
    }
    Ok(messages)
}

/// The same for one message.
pub(super) async fn in_its_chat(ctx: &Context, tenant: TenantId, message: Message) -> Result<Message, Error> {
    let chat = canonical(ctx, message.link(tenant), message.chat.clone()).await?;
    Ok(Message { chat, ..message })
}
