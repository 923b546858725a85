//! Listing one's API keys.

use crate::{
    domain::{api_key::ApiKey, permissions::Permission},
    services::{Caller, Context, Error, Listing, PageRequest},
    store::api_keys,
};

/// The caller's keys, oldest first, without their secrets; everybody's in the tenant for its owners.
pub async fn list(ctx: &Context, caller: &Caller, page: PageRequest) -> Result<Listing<ApiKey>, Error> {
    const QUERY: &str = "api-keys";
    let account = (!caller.allows(Permission::ManageMembers)).then_some(caller.account.id);
    let (limit, from) = page.read(ctx, caller.tenant(), QUERY)?;
    let page = api_keys::list(&ctx.db, caller.tenant(), account, limit, from).await?;
    Ok(Listing::of(ctx, caller.tenant(), QUERY, page))
}
