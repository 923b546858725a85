//! Holding a device's queue, and letting it go on.

use super::{not_found, wake};
use crate::{
    domain::{device::Device, ids::DeviceId},
    services::{Context, Error, Scope},
    store::devices,
};

/// Pauses the queue of one of the caller's devices: what is accepted waits. The socket stays, and messages
/// arrive. A message that is on its way goes on.
pub async fn pause(ctx: &Context, scope: &Scope, id: DeviceId) -> Result<Device, Error> {
    set_paused(ctx, scope, id, true).await
}

/// Lets the queue of one of the caller's devices go on.
pub async fn resume(ctx: &Context, scope: &Scope, id: DeviceId) -> Result<Device, Error> {
    set_paused(ctx, scope, id, false).await
}

async fn set_paused(ctx: &Context, scope: &Scope, id: DeviceId, paused: bool) -> Result<Device, Error> {
    if !scope.sees(id) {
        return Err(not_found());
    }
    let device =
        devices::set_paused(&ctx.db, scope.tenant(), id, paused, ctx.now()).await?.ok_or_else(not_found)?;
    wake(ctx, &device).await?;
    Ok(device)
}
