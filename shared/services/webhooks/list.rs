//! Listing webhooks.

use super::OwnWebhook;
use crate::{
    services::{Caller, Context, Error, Listing, PageRequest},
    store::webhooks,
};

/// The caller's webhooks, oldest first.
pub async fn list(ctx: &Context, caller: &Caller, page: PageRequest) -> Result<Listing<OwnWebhook>, Error> {
    const QUERY: &str = "webhooks";
    let (limit, from) = page.read(ctx, caller.tenant(), QUERY)?;
    let page = webhooks::list(&ctx.db, &ctx.webhook_secrets, caller.tenant(), limit, from).await?;
    Ok(Listing::of(ctx, caller.tenant(), QUERY, page))
}
