//! Learning that a phone number and a LID are one contact.

use crate::{
    domain::{chat::Chat, device::Link, jid::Jid},
    services::{Context, Error},
    store::{chats, contacts, messages},
};

/// Writes down that `lid` and `phone` are one contact. What the device has under the LID moves to the
/// phone number's chat, so that one contact is one chat.
pub async fn record_identity(ctx: &Context, link: Link, lid: &Jid, phone: &Jid) -> Result<(), Error> {
    if contacts::phone_of(&ctx.db, link, lid).await?.as_ref() == Some(phone) {
        return Ok(());
    }
    // The link is written last: a crash before that begins again.
    if let Some(chat) = chats::get(&ctx.db, link, lid).await? {
        messages::move_chat(&ctx.db, link, lid, phone).await?;
        let moved = Chat { jid: phone.clone(), lid: Some(lid.clone()), ..chat };
        chats::touch(&ctx.db, link, &moved).await?;
        chats::delete(&ctx.db, link, lid).await?;
    }
    Ok(contacts::link(&ctx.db, link, lid, phone).await?)
}
