//! Bringing back messages that lost their queue entry: accepted while SQS was away, or by a process that died
//! before it got to the queue, or forgotten by the embedded queue.

use std::collections::HashSet;

use crate::{
    clock::Timestamp,
    domain::ids::DeviceId,
    queue::payloads::SendMessageV1,
    services::{Context, Error},
    store::messages,
};

/// Queues again what a shard's outbox holds from before `before`, but for devices that are `busy`, with a message in
/// hand: the others of such a device wait behind it in the queue. One that comes twice all the
/// same is recognised by its status. Says how many it queued.
pub async fn sweep_outbox(
    ctx: &Context,
    shard: u16,
    before: Timestamp,
    busy: &HashSet<DeviceId>,
) -> Result<usize, Error> {
    let mut queued = 0;
    let mut from = None;
    loop {
        let page = messages::list_outbox(&ctx.db, shard, before, 100, from).await?;
        for waiting in page.items {
            if busy.contains(&waiting.device) {
                continue;
            }
            let payload = SendMessageV1 {
                account_id: waiting.tenant,
                device_id: waiting.device,
                message_id: waiting.message,
            };
            ctx.queues.send_again(shard, &payload, ctx.now()).await?;
            queued += 1;
        }
        from = page.next;
        if from.is_none() {
            return Ok(queued);
        }
    }
}
