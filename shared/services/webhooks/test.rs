//! Trying a webhook out.

use serde_json::json;

use super::{
    queue::{enqueue, first_try},
    require_active,
};
use crate::{
    clock::Timestamp,
    domain::{
        event::{Event, EventType},
        ids::{DeliveryId, EventId, WebhookId},
        webhook::Trigger,
    },
    services::{Context, Error, Scope},
};

/// Queues an event that nothing happened for, to one of the caller's webhooks alone.
pub async fn test(ctx: &Context, scope: &Scope, id: WebhookId) -> Result<DeliveryId, Error> {
    let webhook = super::get(ctx, scope, id).await?;
    require_active(&webhook)?;
    let now = ctx.now();
    let delivery = DeliveryId::generate(now);
    let event = test_event(id, EventId::generate(now));
    let first = first_try(&webhook.webhook, delivery, Trigger::Test, event, now);
    enqueue(ctx, vec![first]).await?;
    Ok(delivery)
}

/// The test event of this id: no log has it, but it can be made anew.
pub(super) fn test_event(webhook: WebhookId, id: EventId) -> Event {
    Event {
        id,
        kind: EventType::WebhookTest,
        timestamp: Timestamp::from_unix_millis(id.unix_millis()),
        device_id: None,
        data: json!({"webhookId": webhook, "text": "This is a test."}),
    }
}
