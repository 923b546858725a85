//! Connecting a device.

use super::{get, want};
use crate::{
    domain::{
        device::{Desired, Device, DeviceStatus},
        ids::DeviceId,
    },
    services::{Caller, Context, Error},
};

/// Asks for a socket: with the link's keys, or with a QR code to scan when there is no link. The
/// connector reports how it goes on in the device's status.
pub async fn connect(ctx: &Context, caller: &Caller, id: DeviceId) -> Result<Device, Error> {
    let device = get(ctx, caller, id).await?;
    let under_way = matches!(device.status, DeviceStatus::Connected | DeviceStatus::Qr);
    if under_way && device.desired == Desired::Connected {
        return Ok(device);
    }
    want(ctx, caller, id, Desired::Connected, Some(DeviceStatus::Connecting)).await
}
