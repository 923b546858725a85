//! What waits for a number that its device is not linked to any more.

use crate::{
    clock::Timestamp,
    domain::{
        device::{Link, OnRelink},
        message::{Message, SendFailure},
    },
    services::{Context, Error, events},
    store::{
        messages::{self, Advanced, Step},
        outbox,
    },
};

/// How many messages are looked at together, of each priority.
const PAGE: u16 = 50;

/// Fails what waits for a link that is not its device's any more: all of it, or what has expired, as the device says.
/// What is left waits for its number to come back. Says how many failed.
pub async fn settle_left(ctx: &Context, link: Link, shard: u16, rule: OnRelink) -> Result<usize, Error> {
    let mut settled = 0;
    loop {
        let waiting = outbox::front(&ctx.db, link, shard, PAGE).await?;
        let now = ctx.now();
        let due: Vec<_> =
            waiting.iter().filter_map(|message| Some((message, failure_of(message, rule, now)?))).collect();
        let mut failed = 0;
        for (message, failure) in &due {
            failed += usize::from(fail(ctx, link, message, failure.clone(), now).await?);
        }
        settled += failed;
        // The index may be a moment behind; whoever looks next sees the rest. What came first expires first, mostly.
        if failed == 0 || due.len() < waiting.len() {
            return Ok(settled);
        }
    }
}

fn failure_of(message: &Message, rule: OnRelink, now: Timestamp) -> Option<SendFailure> {
    if message.expires_at.is_some_and(|at| at <= now) {
        return Some(SendFailure::new("expired", "the message could not be sent before it expired"));
    }
    (rule == OnRelink::Fail).then(|| {
        SendFailure::new(
            "device_relinked",
            "the device was linked to another number before the message was sent",
        )
    })
}

async fn fail(
    ctx: &Context,
    link: Link,
    message: &Message,
    failure: SendFailure,
    now: Timestamp,
) -> Result<bool, Error> {
    let Link { tenant, device, .. } = link;
    let step = Step::failed(failure, now);
    let id = message.id.wa_message_id();
    match messages::advance_from(&ctx.db, tenant, device, &id, step).await? {
        (Advanced::Done(after), Some(before)) => {
            ctx.emitter.hand_over(tenant, events::of_steps(&before, &after, now)).await;
            Ok(true)
        }
        _ => Ok(false),
    }
}
