//! Delivering something again.

use super::{
    queue::{enqueue, first_try},
    require_active,
    test::test_event,
};
use crate::{
    domain::{
        event::{Event, EventType},
        ids::{DeliveryId, EventId, TenantId, WebhookId},
        webhook::Trigger,
    },
    services::{Context, Error, ErrorCode, Scope},
    store::{
        deliveries,
        events::{self, EventRow},
    },
};

/// Queues the event of a delivery again, as a delivery of its own.
pub async fn redeliver(
    ctx: &Context,
    scope: &Scope,
    id: WebhookId,
    delivery: DeliveryId,
) -> Result<DeliveryId, Error> {
    let tenant = scope.tenant();
    let webhook = super::get(ctx, scope, id).await?;
    let last = deliveries::last(&ctx.db, tenant, id, delivery).await?;
    let last = last.ok_or_else(|| Error::not_found("delivery"))?;
    require_active(&webhook)?;
    let event = match last.event_type {
        EventType::WebhookTest => Some(test_event(id, last.event_id)),
        _ => find(ctx, tenant, last.event_id).await?,
    };
    let event = event.ok_or_else(|| Error::new(ErrorCode::EventExpired, "the event is no longer kept"))?;
    let now = ctx.now();
    let again = DeliveryId::generate(now);
    enqueue(ctx, vec![first_try(&webhook.webhook, again, Trigger::Redelivery, event, now)]).await?;
    Ok(again)
}

/// An event of the log.
async fn find(ctx: &Context, tenant: TenantId, id: EventId) -> Result<Option<Event>, Error> {
    let found = events::up_to(&ctx.db, tenant, id.sequence(), 1).await?;
    let row = found.rows.into_iter().find(|row| row.sequence == id.sequence());
    Ok(row.map(EventRow::into_events).unwrap_or_default().into_iter().find(|event| event.id == id))
}
