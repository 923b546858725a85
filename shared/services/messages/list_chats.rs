//! A device's chats.

use crate::{
    domain::{chat::Chat, ids::DeviceId},
    services::{Caller, Context, Error, Listing, PageRequest, devices},
    store::chats,
};

/// The chats of one of the caller's devices under the number that it is linked to, or was last, the one with the newest message first.
pub async fn list_chats(
    ctx: &Context,
    caller: &Caller,
    device: DeviceId,
    page: PageRequest,
) -> Result<Listing<Chat>, Error> {
    let link = devices::get(ctx, caller, device).await?.link();
    let query = format!("chats/{device}/{}", link.generation);
    let (limit, from) = page.read(ctx, caller.tenant(), &query)?;
    let page = chats::list(&ctx.db, link, limit, from).await?;
    Ok(Listing::of(ctx, caller.tenant(), &query, page))
}
