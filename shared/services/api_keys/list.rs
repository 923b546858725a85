//! Listing one's API keys.

use crate::{
    domain::api_key::ApiKey,
    services::{Caller, Context, Error, Listing, PageRequest},
    store::api_keys,
};

/// The caller's keys, oldest first, without their secrets.
pub async fn list(ctx: &Context, caller: &Caller, page: PageRequest) -> Result<Listing<ApiKey>, Error> {
    const QUERY: &str = "api-keys";
    let (limit, from) = page.read(ctx, caller.tenant(), QUERY)?;
    let page = api_keys::list(&ctx.db, caller.tenant(), limit, from).await?;
    Ok(Listing::of(ctx, caller.tenant(), QUERY, page))
}
