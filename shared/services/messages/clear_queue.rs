//! Withdrawing all messages of a device that still wait.

use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;
use utoipa::ToSchema;

use crate::{
    domain::{
        device::Device,
        ids::{DeviceId, TenantId},
        message::{MessageStatus, Priority},
    },
    services::{Context, Error, Scope, devices},
    store::{
        StoreError,
        messages::{self, Advanced, Step},
        outbox::{self, Waiting},
    },
};

/// How many messages one request works through.
const MAX_PER_REQUEST: usize = 5_000;

/// How many are counted at most: counting reads them.
const MOST_COUNTED: u32 = 10_000;

/// How long one request works.
const REQUEST_TIME: Duration = Duration::from_secs(15);

/// How many messages are cancelled at a time.
const AT_ONCE: usize = 16;

/// How many messages are looked up at a time.
const PAGE: u16 = 1_000;

/// What came of clearing a queue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cleared {
    /// How many messages were cancelled.
    pub cancelled: u64,
    /// How many still wait at least, when there were too many for one request: ask again.
    pub remaining: u64,
}

/// Cancels every queued message of one of the caller's devices, the next ones first. What is on its way to
/// WhatsApp goes on.
pub async fn clear_queue(ctx: &Context, scope: &Scope, id: DeviceId) -> Result<Cleared, Error> {
    let device = devices::get(ctx, scope, id).await?;
    let started = ctx.now();
    let mut total = 0;
    for link in device.links() {
        total += outbox::count(&ctx.db, device.shard, link, MOST_COUNTED - total).await?;
    }
    let waiting = waiting(ctx, &device).await?;
    let (mut cancelled, mut seen) = (0, 0);
    for some in waiting.chunks(AT_ONCE) {
        cancelled += cancel_all(ctx, scope.tenant(), some).await?;
        seen += some.len();
        if ctx.now().since(started) > REQUEST_TIME {
            break;
        }
    }
    let remaining = match seen < waiting.len() || seen == MAX_PER_REQUEST {
        true => u64::from(total).saturating_sub(seen as u64),
        false => 0,
    };
    Ok(Cleared { cancelled, remaining })
}

/// The first messages in a device's outbox, those that wait for another of its numbers among them.
async fn waiting(ctx: &Context, device: &Device) -> Result<Vec<Waiting>, StoreError> {
    let mut found: Vec<Waiting> = Vec::new();
    let of_all = device.links().flat_map(|link| [(link, Priority::Normal), (link, Priority::Bulk)]);
    for (link, priority) in of_all {
        let mut last = None;
        while found.len() < MAX_PER_REQUEST {
            let limit = PAGE.min(u16::try_from(MAX_PER_REQUEST - found.len()).unwrap_or(PAGE));
            let page = outbox::of_link(&ctx.db, device.shard, link, priority, last.as_ref(), limit).await?;
            last = page.last().copied();
            let is_end = page.len() < usize::from(limit);
            found.extend(page);
            if is_end {
                break;
            }
        }
    }
    Ok(found)
}

/// Cancels these messages, as far as they still wait. Says how many it cancelled.
async fn cancel_all(ctx: &Context, tenant: TenantId, waiting: &[Waiting]) -> Result<u64, Error> {
    let step = Step::to(MessageStatus::Cancelled, ctx.now());
    let mut writes = JoinSet::new();
    for one in waiting.iter().filter(|one| one.tenant == tenant).copied() {
        let (db, step) = (ctx.db.clone(), step.clone());
        writes.spawn(async move {
            messages::advance(&db, tenant, one.device, &one.message.wa_message_id(), step).await
        });
    }
    let mut cancelled = 0;
    while let Some(write) = writes.join_next().await {
        cancelled += u64::from(matches!(write.map_err(Error::internal)??, Advanced::Done(_)));
    }
    Ok(cancelled)
}
