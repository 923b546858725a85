//! Giving a webhook another secret.

use super::OwnWebhook;
use crate::{
    domain::{
        ids::WebhookId,
        webhook::{SECRET_OVERLAP, new_secret},
    },
    services::{Context, Error, ErrorCode, Scope},
    store::webhooks,
};

/// Gives one of the caller's webhooks another secret, which is in the answer. The one before signs beside it for
/// a day, so that the receiver can be told in between.
pub async fn rotate_secret(ctx: &Context, scope: &Scope, id: WebhookId) -> Result<OwnWebhook, Error> {
    let before = super::get(ctx, scope, id).await?;
    let now = ctx.now();
    let secret = new_secret();
    webhooks::rotate(&ctx.db, &ctx.webhook_secrets, &before, &secret, now + SECRET_OVERLAP, now)
        .await?
        .ok_or_else(|| {
            Error::new(ErrorCode::ChangedMeanwhile, "the webhook was changed meanwhile; try again")
        })
}
