//! One webhook.

use super::{OwnWebhook, not_found};
use crate::{
    domain::ids::WebhookId,
    services::{Caller, Context, Error},
    store::webhooks,
};

/// One of the caller's webhooks.
pub async fn get(ctx: &Context, caller: &Caller, id: WebhookId) -> Result<OwnWebhook, Error> {
    webhooks::get(&ctx.db, &ctx.webhook_secrets, caller.tenant(), id).await?.ok_or_else(not_found)
}
