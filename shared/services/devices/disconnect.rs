//! Disconnecting a device.

use super::{Wish, want};
use crate::{
    domain::{
        device::{Desired, Device},
        ids::DeviceId,
    },
    services::{Caller, Context, Error},
};

/// Asks for the socket to be closed. The link stays: connecting again needs no scan.
pub async fn disconnect(ctx: &Context, caller: &Caller, id: DeviceId) -> Result<Device, Error> {
    want(ctx, caller, id, Wish::of(Desired::Disconnected)).await
}
