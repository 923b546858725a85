//! The queues of deliveries.

use std::time::Duration;

use crate::{
    clock::Timestamp,
    domain::{
        event::Event,
        ids::DeliveryId,
        webhook::{Trigger, Webhook, is_due, queue_delay},
    },
    queue::{
        QueueKind,
        payloads::{DeliveryPayload, DeliveryV1},
    },
    services::{Context, Error},
};

/// The first try of a delivery, to be made at once.
pub(super) fn first_try(
    webhook: &Webhook,
    delivery: DeliveryId,
    trigger: Trigger,
    event: Event,
    now: Timestamp,
) -> DeliveryV1 {
    DeliveryV1 {
        account_id: webhook.account_id,
        webhook_id: webhook.id,
        delivery_id: delivery,
        trigger,
        event,
        attempt: 1,
        not_before: now,
        slow: webhook.goes_slowly(trigger, now),
    }
}

/// Queues deliveries for when they are due, or for as late as the queue can.
pub(super) async fn enqueue(ctx: &Context, deliveries: Vec<DeliveryV1>) -> Result<(), Error> {
    let now = ctx.now();
    let (slow, quick): (Vec<_>, Vec<_>) = deliveries.into_iter().partition(|delivery| delivery.slow);
    for (kind, deliveries) in [(QueueKind::Deliveries, quick), (QueueKind::SlowDeliveries, slow)] {
        let payloads = deliveries.into_iter().map(|delivery| {
            let delay = queue_delay(delivery.not_before.since(now));
            (DeliveryPayload::V1(delivery), delay)
        });
        ctx.queues.send_delayed(kind, payloads).await?;
    }
    Ok(())
}

/// How long a delivery is not due yet; nothing when it is.
pub fn wait_for(ctx: &Context, delivery: &DeliveryV1) -> Option<Duration> {
    let ahead = delivery.not_before.since(ctx.now());
    (!is_due(ahead)).then_some(ahead)
}

/// Queues a delivery anew, for a little later or for when it is due: no try is lost with it.
pub async fn send_on(ctx: &Context, delivery: &DeliveryV1, pause: Duration) -> Result<(), Error> {
    let payload = DeliveryPayload::V1(delivery.clone());
    Ok(ctx.queues.send_delayed(delivery.queue(), [(payload, queue_delay(pause))]).await?)
}
