//! Listing one's API keys.

use crate::{
    domain::api_key::ApiKey,
    services::{Context, Error, Listing, PageRequest, Scope},
    store::api_keys,
};

/// The caller's keys, oldest first, without their secrets.
pub async fn list(ctx: &Context, scope: &Scope, page: PageRequest) -> Result<Listing<ApiKey>, Error> {
    const QUERY: &str = "api-keys";
    let (limit, from) = page.read(ctx, scope.tenant(), QUERY)?;
    let page = api_keys::list(&ctx.db, scope.tenant(), limit, from).await?;
    Ok(Listing::of(ctx, scope.tenant(), QUERY, page))
}
