//! How a device's queue stands.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    clock::Timestamp,
    domain::{ids::DeviceId, message::MessageStatus, pacing::Limit},
    services::{Context, Error, Scope, devices},
    store::{lanes, outbox},
};

/// How many messages at the front are looked at for those under way: a device sends one at a time.
const FRONT: u16 = 5;

/// How many messages are counted at most: counting reads them.
const MOST_COUNTED: u32 = 10_000;

/// What waits, what went, and what comes next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueueState {
    /// Messages that wait for their turn; those that were counted, when there are more.
    pub pending: u64,
    /// Whether there are more than that.
    pub pending_more: bool,
    /// Messages on their way to WhatsApp's server, or to be tried again.
    pub sending: u64,
    /// Messages that WhatsApp's server took since the device was made, as of 10 seconds ago at the latest.
    pub sent: u64,
    /// Messages that failed for good since then.
    pub failed: u64,
    /// Whether the owner paused the queue.
    pub paused: bool,
    /// Before that, nothing goes; null when nothing stands in the way.
    pub next_send_at: Option<Timestamp>,
    /// Which limit it waits for until then.
    pub waiting_for: Option<Limit>,
}

/// The queue of one of the caller's devices, under the number that it is linked to, or was last.
pub async fn queue(ctx: &Context, scope: &Scope, id: DeviceId) -> Result<QueueState, Error> {
    let device = devices::get(ctx, scope, id).await?;
    let (total, front, lane) = tokio::try_join!(
        outbox::count(&ctx.db, device.shard, device.link(), MOST_COUNTED + 1),
        outbox::front(&ctx.db, device.link(), device.shard, FRONT),
        lanes::get(&ctx.db, device.link()),
    )?;
    let sending = front.iter().filter(|message| message.status == MessageStatus::Sending).count() as u64;
    let next = lane.next_send_at.filter(|at| *at > ctx.now());
    Ok(QueueState {
        pending: u64::from(total.min(MOST_COUNTED)).saturating_sub(sending),
        pending_more: total > MOST_COUNTED,
        sending,
        sent: lane.sent,
        failed: lane.failed,
        paused: device.paused,
        next_send_at: next,
        waiting_for: lane.waiting_for.filter(|_| next.is_some()),
    })
}
