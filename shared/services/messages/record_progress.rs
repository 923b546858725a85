//! What became of a message: taken by WhatsApp, delivered, read, failed.

use super::identity::in_its_chat;
use crate::{
    domain::{
        device::Link,
        ids::{DeviceId, MessageId, TenantId},
        jid::Server,
        message::{Message, MessageStatus},
    },
    services::{Context, Error, events},
    store::messages::{self, Advanced, Step},
};

/// Moves a message forward and tells of it. `wa_message_id` is the id that WhatsApp knows it by. Ids that the
/// device did not send are passed over: the owner's phone gets receipts for what it sent itself before it was
/// linked.
pub async fn record_progress(
    ctx: &Context,
    tenant: TenantId,
    device: DeviceId,
    wa_message_id: &str,
    step: Step,
) -> Result<(), Error> {
    use MessageStatus::{Failed, Sent};
    let status = step.status;
    // What Kurir sent is found under the id itself; what the owner's phone sent, under a derived one.
    let mut advanced = messages::advance_from(&ctx.db, tenant, device, wa_message_id, step.clone()).await?;
    if matches!(advanced.0, Advanced::Missing) {
        let (generation, group) = match &step.only {
            Some(only) => (only.generation, only.chats.iter().find(|chat| chat.server() == Server::Group)),
            None => (0, None),
        };
        let link = Link { tenant, device, generation };
        let id = MessageId::of_owner(link, group, wa_message_id).wa_message_id();
        advanced = messages::advance_from(&ctx.db, tenant, device, &id, step.clone()).await?;
    }
    match advanced {
        (Advanced::Done(after), Some(before)) => {
            let after = shown(ctx, tenant, *after).await;
            ctx.emitter.hand_over(tenant, events::of_steps(&before, &after, ctx.now())).await;
        }
        // The step was written and the answer lost: what it tells may be lost, too.
        (Advanced::Stale(now), _) if now.status == status && (status == Sent || status == Failed) => {
            let now = shown(ctx, tenant, *now).await;
            ctx.emitter.hand_over(tenant, events::of_repeated(&now, ctx.now())).await;
        }
        _ => {}
    }
    Ok(())
}

/// The message as the API shows it; under the LID when the number cannot be looked up, since the step that is to be
/// told of is written already.
async fn shown(ctx: &Context, tenant: TenantId, message: Message) -> Message {
    in_its_chat(ctx, tenant, message.clone()).await.unwrap_or(message)
}

/// Tells again what became of a message: whoever wrote it down may have died before it was told.
pub async fn tell_again(ctx: &Context, tenant: TenantId, message: &Message) {
    ctx.emitter.emit(tenant, events::of_repeated(message, ctx.now())).await;
}
