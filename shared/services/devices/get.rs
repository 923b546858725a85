//! One device.

use super::not_found;
use crate::{
    domain::{
        device::{Desired, Device},
        ids::DeviceId,
    },
    services::{Context, Error, Scope},
    store::devices,
};

/// One of the caller's devices. One that is being deleted is gone already.
pub async fn get(ctx: &Context, scope: &Scope, id: DeviceId) -> Result<Device, Error> {
    devices::get(&ctx.db, scope.tenant(), id)
        .await?
        .filter(|device| device.desired != Desired::Deleted && scope.sees(device.id))
        .ok_or_else(not_found)
}
