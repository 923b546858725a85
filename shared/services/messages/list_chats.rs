//! A device's chats.

use crate::{
    domain::{chat::Chat, ids::DeviceId},
    services::{Context, Error, Listing, PageRequest, Scope, devices},
    store::chats,
};

/// The chats of one of the caller's devices under the number that it is linked to, or was last, the one with the newest message first.
pub async fn list_chats(
    ctx: &Context,
    scope: &Scope,
    device: DeviceId,
    page: PageRequest,
) -> Result<Listing<Chat>, Error> {
    let link = devices::get(ctx, scope, device).await?.link();
    let query = format!("chats/{device}/{}", link.generation);
    let (limit, from) = page.read(ctx, scope.tenant(), &query)?;
    let page = chats::list(&ctx.db, link, limit, from).await?;
    Ok(Listing::of(ctx, scope.tenant(), &query, page))
}
