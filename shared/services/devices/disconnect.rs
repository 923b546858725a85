//! Disconnecting a device.

use super::{Wish, want};
use crate::{
    domain::{
        device::{Desired, Device},
        ids::DeviceId,
    },
    services::{Context, Error, Scope},
};

/// Asks for the socket to be closed. The link stays: connecting again needs no scan.
pub async fn disconnect(ctx: &Context, scope: &Scope, id: DeviceId) -> Result<Device, Error> {
    want(ctx, scope, id, Wish::of(Desired::Disconnected)).await
}
