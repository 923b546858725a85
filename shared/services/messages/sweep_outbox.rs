//! Bringing back messages that lost their queue entry: accepted while SQS was away, or by a process that died
//! before it got to the queue, or forgotten by the embedded queue.

use std::time::Duration;

use crate::{
    queue::QueueKind,
    services::{Context, Error},
    store::outbox,
};

/// How long a message waits before anybody asks whether it has lost its entry.
const GRACE: Duration = Duration::from_secs(60);

/// How long it waits until nobody asks any more: a device that cannot send is woken in vain, which costs little.
const LONG: Duration = Duration::from_secs(600);

/// How many messages of a shard are counted at most: counting reads them.
const MOST_COUNTED: u32 = 10_000;

/// Looks through the outbox of every shard. Where it holds more than the queue does, something has lost its
/// entry: then each device whose first message is from more than a minute ago is woken by an entry for it, and
/// its lane takes up the others in their order. An entry too many does no harm: the lane knows by a message's
/// status what is done. Says how many devices it woke; what fails for one shard keeps no other from it.
pub async fn sweep_outbox(ctx: &Context) -> Result<usize, Error> {
    let (mut woken, mut failed) = (0, None);
    for shard in 0..ctx.queues.shards() {
        match sweep_shard(ctx, shard).await {
            Ok(count) => woken += count,
            Err(error) => {
                tracing::warn!(shard, error = &error as &dyn std::error::Error, "a shard cannot be swept");
                failed = Some(error);
            }
        }
    }
    failed.map_or(Ok(woken), Err)
}

async fn sweep_shard(ctx: &Context, shard: u16) -> Result<usize, Error> {
    let now = ctx.now();
    let mut stale = outbox::first_of_each_device(&ctx.db, shard).await?;
    stale.retain(|first| now.since(first.queued_at) > GRACE);
    if stale.is_empty() {
        return Ok(0);
    }
    let depth = ctx.queues.depth(QueueKind::Sends, shard).await?;
    // Of a queue that is very long nobody knows whether an entry is missing.
    let queued = u32::try_from(depth.waiting + depth.in_hand).unwrap_or(u32::MAX).min(MOST_COUNTED);
    let more = (queued < MOST_COUNTED).then(|| outbox::count_of_shard(&ctx.db, shard, queued + 1));
    let has_lost = match more {
        Some(counting) => counting.await? > queued,
        None => false,
    };
    if !has_lost {
        stale.retain(|first| now.since(first.queued_at) > LONG);
    }
    for first in &stale {
        ctx.queues.wake(shard, (first.tenant, first.device), first.message, now).await?;
    }
    if !stale.is_empty() {
        tracing::info!(shard, devices = stale.len(), "woke devices whose messages may have lost their entry");
    }
    Ok(stale.len())
}
