//! Looking at what was set aside.

use crate::{
    domain::set_aside::SetAside,
    services::{Context, Error, Listing, PageRequest, Scope},
    store::set_aside,
};

/// What was set aside in the whole deployment, the latest first.
pub async fn list(ctx: &Context, scope: &Scope, page: PageRequest) -> Result<Listing<SetAside>, Error> {
    const QUERY: &str = "set-aside";
    let (limit, from) = page.read(ctx, scope.tenant(), QUERY)?;
    let page = set_aside::list(&ctx.db, limit, from).await?;
    Ok(Listing::of(ctx, scope.tenant(), QUERY, page))
}
