//! Deleting a device.

use super::want;
use crate::{
    domain::{
        device::Desired,
        ids::{DeviceId, TenantId},
    },
    services::{Caller, Context, Error},
    store::{chats, contacts, devices, lanes, messages},
};

/// Deletes a device: it is gone for its owner at once. The connector then unlinks it, wipes its keys and
/// calls [`erase`].
pub async fn delete(ctx: &Context, caller: &Caller, id: DeviceId) -> Result<(), Error> {
    want(ctx, caller, id, Desired::Deleted, None).await.map(drop)
}

/// Erases what a device has stored, its row last, so that a half-done erasure is begun again.
pub async fn erase(ctx: &Context, tenant: TenantId, id: DeviceId) -> Result<(), Error> {
    messages::delete_of_device(&ctx.db, tenant, id).await?;
    chats::delete_of_device(&ctx.db, tenant, id).await?;
    contacts::delete_of_device(&ctx.db, tenant, id).await?;
    lanes::delete(&ctx.db, tenant, id).await?;
    devices::delete(&ctx.db, tenant, id).await?;
    Ok(())
}
