//! Learning that a phone number and a LID are one contact.

use crate::{
    domain::{
        ids::{DeviceId, TenantId},
        jid::Jid,
    },
    services::{Context, Error},
    store::{chats, contacts, messages},
};

/// Writes down that `lid` and `phone` are one contact. What the device has under the LID moves to the
/// phone number's chat, so that one contact is one chat.
pub async fn record_identity(
    ctx: &Context,
    tenant: TenantId,
    device: DeviceId,
    lid: &Jid,
    phone: &Jid,
) -> Result<(), Error> {
    if !contacts::link(&ctx.db, tenant, device, lid, phone).await? {
        return Ok(());
    }
    let Some(mut chat) = chats::get(&ctx.db, tenant, device, lid).await? else { return Ok(()) };
    messages::move_chat(&ctx.db, tenant, device, lid, phone).await?;
    chat.jid = phone.clone();
    chat.lid = Some(lid.clone());
    chats::touch(&ctx.db, tenant, device, &chat).await?;
    chats::delete(&ctx.db, tenant, device, lid).await?;
    Ok(())
}
