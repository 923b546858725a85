//! Looking at what was set aside.

use crate::{
    domain::set_aside::SetAside,
    services::{Caller, Context, Error, Listing, PageRequest},
    store::set_aside,
};

/// What was set aside in the whole deployment, the latest first.
pub async fn list(ctx: &Context, caller: &Caller, page: PageRequest) -> Result<Listing<SetAside>, Error> {
    const QUERY: &str = "set-aside";
    let (limit, from) = page.read(ctx, caller.tenant(), QUERY)?;
    let page = set_aside::list(&ctx.db, limit, from).await?;
    Ok(Listing::of(ctx, caller.tenant(), QUERY, page))
}
