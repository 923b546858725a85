//! Listing webhooks.

use super::OwnWebhook;
use crate::{
    services::{Context, Error, Listing, PageRequest, Scope},
    store::webhooks,
};

/// The caller's webhooks, oldest first.
pub async fn list(ctx: &Context, scope: &Scope, page: PageRequest) -> Result<Listing<OwnWebhook>, Error> {
    const QUERY: &str = "webhooks";
    let (limit, from) = page.read(ctx, scope.tenant(), QUERY)?;
    let page = webhooks::list(&ctx.db, &ctx.webhook_secrets, scope.tenant(), limit, from).await?;
    Ok(Listing::of(ctx, scope.tenant(), QUERY, page))
}
