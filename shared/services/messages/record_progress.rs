//! What became of a message: taken by WhatsApp, delivered, read, failed.

use super::identity::in_its_chat;
use crate::{
    domain::{
        device::Link,
        ids::{DeviceId, MessageId, TenantId},
        jid::{Jid, Server},
        message::{Message, MessageStatus},
        receipts::Receipts,
    },
    services::{Context, Error, events},
    store::{
        messages::{self, Advanced, Step},
        receipts,
    },
};

/// How far a message is, and which one it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its status now.
    pub status: MessageStatus,
    /// The id that it is stored under.
    pub stored_under: String,
    /// Under which link of its device.
    pub generation: u32,
    /// The chat that it is stored in.
    pub chat: Jid,
}

impl Recorded {
    fn of(message: &Message, stored_under: String) -> Self {
        let Message { status, link_generation: generation, ref chat, .. } = *message;
        Self { status, stored_under, generation, chat: chat.clone() }
    }

    /// Whether a step is this message's to take.
    pub fn takes(&self, step: &Step) -> bool {
        step.only.as_ref().is_none_or(|only| only.generation == self.generation && only.takes(&self.chat))
    }
}

/// Moves a message forward and tells of it. `wa_message_id` is the id that WhatsApp knows it by; what it is stored
/// under spares a second write when that is known. Says how far it is, also when it did not take the step. `None` for
/// an id that the device did not send: the owner's phone gets receipts for what it sent itself before it was linked.
pub async fn record_progress(
    ctx: &Context,
    tenant: TenantId,
    device: DeviceId,
    wa_message_id: &str,
    step: &Step,
    stored_under: Option<&str>,
) -> Result<Option<Recorded>, Error> {
    use MessageStatus::{Failed, Sent};
    let ids = match stored_under {
        Some(id) => vec![id.to_owned()],
        // What Kurir sent is found under the id itself; what the owner's phone sent, under a derived one.
        None => vec![wa_message_id.to_owned(), of_owner(tenant, device, wa_message_id, step)],
    };
    for id in ids {
        let (advanced, before) = messages::advance_from(&ctx.db, tenant, device, &id, step.clone()).await?;
        let recorded = match advanced {
            Advanced::Missing => continue,
            Advanced::Done(after) => {
                let recorded = Recorded::of(&after, id);
                if let Some(before) = before {
                    let after = shown(ctx, tenant, *after).await;
                    ctx.emitter.hand_over(tenant, events::of_steps(&before, &after, ctx.now())).await;
                }
                recorded
            }
            Advanced::Stale(now) => {
                let recorded = Recorded::of(&now, id);
                // The step was written and the answer lost: what it tells may be lost, too.
                if now.status == step.status && (step.status == Sent || step.status == Failed) {
                    let now = shown(ctx, tenant, *now).await;
                    ctx.emitter.hand_over(tenant, events::of_repeated(&now, ctx.now())).await;
                }
                recorded
            }
        };
        return Ok(Some(recorded));
    }
    Ok(None)
}

/// What a message that the owner sent elsewhere is stored under.
fn of_owner(tenant: TenantId, device: DeviceId, wa_message_id: &str, step: &Step) -> String {
    let (generation, group) = match &step.only {
        Some(only) => (only.generation, only.chats.iter().find(|chat| chat.server() == Server::Group)),
        None => (0, None),
    };
    MessageId::of_owner(Link { tenant, device, generation }, group, wa_message_id).wa_message_id()
}

/// Writes down which members of a group have a message that is known to be there.
pub async fn record_receipts(
    ctx: &Context,
    tenant: TenantId,
    device: DeviceId,
    stored_under: &str,
    receipts: &Receipts,
) -> Result<(), Error> {
    let until = ctx.retentions.of(&ctx.db, tenant).await?.until(ctx.now());
    Ok(receipts::add(&ctx.db, tenant, device, stored_under, receipts, until).await?)
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
