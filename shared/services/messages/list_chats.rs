//! A device's chats.

use crate::{
    domain::{chat::Chat, ids::DeviceId},
    services::{Caller, Context, Error, Listing, PageRequest, devices},
    store::chats,
};

/// The chats of one of the caller's devices, the one with the newest message first.
pub async fn list_chats(
    ctx: &Context,
    caller: &Caller,
    device: DeviceId,
    page: PageRequest,
) -> Result<Listing<Chat>, Error> {
    let query = format!("chats/{device}");
    let (limit, from) = page.read(ctx, caller.tenant(), &query)?;
    devices::get(ctx, caller, device).await?;
    let page = chats::list(&ctx.db, caller.tenant(), device, limit, from).await?;
    Ok(Listing::of(ctx, caller.tenant(), &query, page))
}
