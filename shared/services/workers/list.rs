//! Listing the connectors that run.

use super::{since, with_shards};
use crate::{
    domain::worker::Worker,
    services::{Context, Error, Listing, PageRequest, Scope},
    store::{Page, workers},
};

/// The connectors that told of themselves in the last minute, those that started first before the others.
pub async fn list(ctx: &Context, scope: &Scope, page: PageRequest) -> Result<Listing<Worker>, Error> {
    let query = "workers";
    let (limit, from) = page.read(ctx, scope.tenant(), query)?;
    let Page { items, next } = workers::list(&ctx.db, since(ctx.now()), limit, from).await?;
    let items = with_shards(&ctx.db, items).await?;
    Ok(Listing::of(ctx, scope.tenant(), query, Page { items, next }))
}
