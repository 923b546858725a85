//! From events to deliveries.

use super::queue::{enqueue, first_try};
use crate::{
    domain::{
        event::Event,
        ids::{DeliveryId, TenantId},
        webhook::Trigger,
    },
    services::{Context, Error},
    store::webhooks,
};

/// Queues a delivery of each event to each webhook of the tenant that wants it. Twice for the same event makes
/// deliveries with the same ids, which receivers recognise.
///
/// # Errors
/// When the store or the queue is away: the caller is to do it again.
pub async fn fan_out(ctx: &Context, tenant: TenantId, events: &[Event]) -> Result<(), Error> {
    if events.is_empty() {
        return Ok(());
    }
    let webhooks = webhooks::all(&ctx.db, tenant).await?;
    let now = ctx.now();
    let mut deliveries = Vec::new();
    for event in events {
        for webhook in webhooks.iter().filter(|webhook| webhook.wants(event.kind, event.device_id)) {
            let delivery = DeliveryId::of(webhook.id, event.id);
            deliveries.push(first_try(webhook, delivery, Trigger::Event, event.clone(), now));
        }
    }
    enqueue(ctx, deliveries).await
}
