//! Deleting a device.

use super::{Wish, want};
use crate::{
    domain::{
        device::{Desired, Device},
        ids::DeviceId,
    },
    services::{Context, Error, Scope, events},
    store::{aliases, chats, contacts, devices, lanes, messages, set_aside},
};

/// Deletes a device: it is gone for its owner at once. The connector then unlinks it, wipes its keys and
/// calls [`erase`].
pub async fn delete(ctx: &Context, scope: &Scope, id: DeviceId) -> Result<(), Error> {
    want(ctx, scope, id, Wish::of(Desired::Deleted)).await.map(drop)
}

/// Erases what a device has stored and what the event log tells of it, its row last, so that a half-done erasure is
/// begun again.
pub async fn erase(ctx: &Context, device: &Device) -> Result<(), Error> {
    let (tenant, id) = (device.account_id, device.id);
    messages::delete_of_device(&ctx.db, tenant, id).await?;
    for link in device.links() {
        chats::delete_of_link(&ctx.db, link).await?;
        contacts::delete_of_link(&ctx.db, link).await?;
        lanes::delete(&ctx.db, link).await?;
    }
    events::erase_device(ctx, device).await?;
    set_aside::delete_of_device(&ctx.db, tenant, id).await?;
    aliases::delete_of_device(&ctx.db, tenant, id).await?;
    devices::delete(&ctx.db, tenant, id).await?;
    Ok(())
}
