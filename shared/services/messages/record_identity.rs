//! Learning that a phone number and a LID are one contact.

use crate::{
    domain::{chat::Chat, device::Link, jid::Jid},
    services::{Context, Error},
    store::{
        chats,
        contacts::{self, Known},
    },
};

/// Writes down that `lid` and `phone` are one contact. What was stored under the LID before stays there: the
/// number's chat shows it from now on, and takes the place of the LID's.
pub async fn record_identity(ctx: &Context, link: Link, lid: &Jid, phone: &Jid) -> Result<(), Error> {
    let db = &ctx.db;
    match contacts::learn(db, link, lid, phone).await? {
        Known::Unmet => Ok(()),
        Known::Number(known) if known == *phone => Ok(()),
        // The person has another number now; what was said under the one before stays in its chat.
        Known::Number(_) => Ok(contacts::set_phone(db, link, lid, phone).await?),
        Known::Alone => {
            // The number is written last: after a crash before that, all of it is done again.
            contacts::follow(db, link, lid, phone).await?;
            if let Some(chat) = chats::lead(db, link, lid, phone).await? {
                let joined = Chat { jid: phone.clone(), lid: Some(lid.clone()), ..chat };
                let retention = ctx.retentions.of(db, link.tenant).await?;
                chats::touch(db, link, &joined, retention).await?;
            }
            Ok(contacts::set_phone(db, link, lid, phone).await?)
        }
    }
}
