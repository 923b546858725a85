//! What became of a message: taken by WhatsApp, delivered, read, failed.

use crate::{
    domain::{
        ids::{DeviceId, MessageId, TenantId},
        message::Message,
    },
    services::{Context, Error},
    store::messages::{self, Advanced, Step},
};

/// Moves a message forward. `wa_message_id` is the id that WhatsApp knows it by. Answers the message when it
/// moved. Ids that the device did not send are passed over: the owner's phone gets receipts for what it sent
/// itself before it was linked.
pub async fn record_progress(
    ctx: &Context,
    tenant: TenantId,
    device: DeviceId,
    wa_message_id: &str,
    step: Step,
) -> Result<Option<Message>, Error> {
    // What Kurir sent is found under the id itself; what the owner's phone sent, under a derived one.
    let mut advanced = messages::advance(&ctx.db, tenant, device, wa_message_id, step.clone()).await?;
    if matches!(advanced, Advanced::Missing) {
        let id = MessageId::of_owner(device, wa_message_id).wa_message_id();
        advanced = messages::advance(&ctx.db, tenant, device, &id, step).await?;
    }
    match advanced {
        Advanced::Done(message) => Ok(Some(*message)),
        Advanced::Stale(_) | Advanced::Missing => Ok(None),
    }
}
