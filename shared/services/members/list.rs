//! Listing members.

use crate::{
    domain::account::Account,
    services::{Context, Error, Listing, PageRequest, Scope},
    store::accounts,
};

/// The members of the caller's tenant, oldest first, those who are invited among them.
pub async fn list(ctx: &Context, scope: &Scope, page: PageRequest) -> Result<Listing<Account>, Error> {
    const QUERY: &str = "members";
    let (limit, from) = page.read(ctx, scope.tenant(), QUERY)?;
    let page = accounts::list(&ctx.db, scope.tenant(), limit, from).await?;
    Ok(Listing::of(ctx, scope.tenant(), QUERY, page))
}
