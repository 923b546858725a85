//! Switching a webhook off that is of no use any more.

use serde_json::json;

use super::OwnWebhook;
use crate::{
    domain::{
        event::{EventType, NewEvent},
        webhook::{DisabledReason, shown_url},
    },
    services::{Context, Error},
    store::webhooks,
};

/// Switches a webhook off and tells its owner by an event, which other webhooks and the event stream carry. Once:
/// one that is off already stays as it is.
pub(super) async fn disable(
    ctx: &Context,
    webhook: &OwnWebhook,
    reason: DisabledReason,
) -> Result<(), Error> {
    let webhook = &webhook.webhook;
    let (tenant, id) = (webhook.account_id, webhook.id);
    let now = ctx.now();
    if !webhooks::disable(&ctx.db, tenant, id, reason, now).await? {
        return Ok(());
    }
    tracing::info!(%tenant, webhook = %id, ?reason, "a webhook is switched off");
    let event = NewEvent {
        kind: EventType::WebhookDisabled,
        timestamp: now,
        device_id: None,
        data: json!({
            "webhookId": id,
            "url": shown_url(&webhook.url),
            "reason": reason,
            "failingSince": webhook.failing_since,
        }),
        of: None,
        maybe_since: None,
    };
    ctx.emitter.emit(tenant, [event]).await;
    Ok(())
}
