//! One webhook.

use super::{OwnWebhook, not_found};
use crate::{
    domain::ids::WebhookId,
    services::{Context, Error, Scope},
    store::webhooks,
};

/// One of the caller's webhooks.
pub async fn get(ctx: &Context, scope: &Scope, id: WebhookId) -> Result<OwnWebhook, Error> {
    webhooks::get(&ctx.db, &ctx.webhook_secrets, scope.tenant(), id).await?.ok_or_else(not_found)
}
