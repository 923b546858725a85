//! Bringing back messages that lost their queue entry: accepted while SQS was away, or by a process that died
//! before it got to the queue, or forgotten by the embedded queue.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    queue::QueueKind,
    services::{Context, Error},
    store::outbox::{self, Waiting},
};

/// How long a message waits before anybody asks whether it has lost its entry.
const GRACE: Duration = Duration::from_secs(60);

/// How much of a shard's outbox is looked at in a round.
const MOST: u64 = 10_000;

/// Looks through the outbox of every shard. Where it holds more than the queue does, something has lost its
/// entry: then each device with a message from more than a minute ago is woken by an entry for its oldest
/// one, and its lane takes up the others in their order. An entry too many does no harm: the lane knows by a
/// message's status what is done. Says how many devices it woke.
pub async fn sweep_outbox(ctx: &Context) -> Result<usize, Error> {
    let mut woken = 0;
    for shard in 0..ctx.queues.shards() {
        woken += sweep_shard(ctx, shard).await?;
    }
    Ok(woken)
}

async fn sweep_shard(ctx: &Context, shard: u16) -> Result<usize, Error> {
    let now = ctx.now();
    let (mut total, mut stale, mut from) = (0, BTreeMap::new(), None);
    loop {
        let page = outbox::list(&ctx.db, shard, 1000, from).await?;
        for waiting in page.items {
            total += 1;
            if now.since(waiting.queued_at) > GRACE {
                let oldest: &mut Waiting = stale.entry(waiting.device).or_insert(waiting);
                if waiting.queued_at < oldest.queued_at {
                    *oldest = waiting;
                }
            }
        }
        from = page.next;
        if from.is_none() || total >= MOST {
            break;
        }
    }
    if stale.is_empty() {
        return Ok(0);
    }
    let depth = ctx.queues.depth(QueueKind::Sends, shard).await?;
    if total <= depth.waiting + depth.in_hand {
        return Ok(0);
    }
    for waiting in stale.values() {
        ctx.queues.wake(shard, (waiting.tenant, waiting.device), waiting.message, now).await?;
    }
    tracing::info!(shard, devices = stale.len(), "woke devices whose messages seem to have lost their entry");
    Ok(stale.len())
}
