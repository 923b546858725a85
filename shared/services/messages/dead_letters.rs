//! Messages that failed for good: looking at them, and sending one again.

use std::time::Duration;

use super::{
    enqueue::enqueue,
    identity::{in_its_chat, in_their_chats},
};
use crate::{
    domain::{
        device::{Desired, Device},
        ids::{DeviceId, MessageId},
        message::{Message, MessageStatus},
    },
    queue::payloads::SendMessageV1,
    services::{Context, Error, ErrorCode, Listing, PageRequest, Scope},
    store::{Page, dead_letters, devices},
};

/// How long a message that is sent again may wait.
const EXPIRES_AFTER: Duration = Duration::from_secs(24 * 3600);

/// The caller's dead letters, the latest failure first; only those of one device when given.
pub async fn list_dead_letters(
    ctx: &Context,
    scope: &Scope,
    device: Option<DeviceId>,
    page: PageRequest,
) -> Result<Listing<Message>, Error> {
    let query = format!("dead-letters?device={device:?}");
    let (limit, from) = page.read(ctx, scope.tenant(), &query)?;
    let page = dead_letters::list(&ctx.db, scope.tenant(), device, limit, from).await?;
    let mut items = in_their_chats(ctx, scope.tenant(), page.items).await?;
    items.retain(|message| scope.sees(message.device_id));
    let page = Page { items, next: page.next };
    Ok(Listing::of(ctx, scope.tenant(), &query, page))
}

/// One of the caller's dead letters.
pub async fn get_dead_letter(ctx: &Context, scope: &Scope, id: MessageId) -> Result<Message, Error> {
    match find(ctx, scope, id).await? {
        Some((_, message)) if message.status == MessageStatus::Failed => {
            in_its_chat(ctx, scope.tenant(), message).await
        }
        _ => Err(not_found()),
    }
}

/// Sends one of the caller's dead letters again, as if it had just been accepted, under the same ids.
///
/// Fails with `not_failed` when that has been done already, or with `device_relinked` when the device has another
/// number now.
pub async fn redrive(ctx: &Context, scope: &Scope, id: MessageId) -> Result<Message, Error> {
    let (device, message) = find(ctx, scope, id).await?.ok_or_else(not_found)?;
    if message.status != MessageStatus::Failed {
        return Err(not_failed(message.status.as_str()));
    }
    if message.link_generation != device.generation {
        let detail = "it was accepted for another number than the one that its device is linked to";
        return Err(Error::new(ErrorCode::DeviceRelinked, detail));
    }
    let (tenant, now) = (scope.tenant(), ctx.now());
    let queued = dead_letters::requeue(
        &ctx.db,
        tenant,
        &message,
        device.shard,
        now,
        now + EXPIRES_AFTER,
        scope.retention(ctx),
    )
    .await?;
    let message = queued.ok_or_else(|| not_failed("no longer failed"))?;
    let entry = SendMessageV1::of(&device, &message, now);
    enqueue(ctx, &device, ctx.queues.send_again(device.shard, &entry, now)).await;
    Ok(message)
}

/// A message by its id alone. Each of the tenant's devices may have it, and there are fewer of those than
/// there may be dead letters; their rows are also never behind, as an index may be.
async fn find(ctx: &Context, scope: &Scope, id: MessageId) -> Result<Option<(Device, Message)>, Error> {
    let mut devices = devices::list_all(&ctx.db, scope.tenant()).await?;
    devices.retain(|device| device.desired != Desired::Deleted && scope.sees(device.id));
    let ids: Vec<DeviceId> = devices.iter().map(|device| device.id).collect();
    let Some(message) = dead_letters::find(&ctx.db, scope.tenant(), &ids, id).await? else {
        return Ok(None);
    };
    Ok(devices.into_iter().find(|device| device.id == message.device_id).map(|device| (device, message)))
}

fn not_found() -> Error {
    Error::not_found("dead letter")
}

fn not_failed(status: &str) -> Error {
    Error::new(ErrorCode::NotFailed, format!("only a failed message can be sent again; this one is {status}"))
}
