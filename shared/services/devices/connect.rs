//! Connecting a device.

use super::{Wish, get, want};
use crate::{
    domain::{
        device::{Desired, Device, DeviceStatus},
        ids::DeviceId,
    },
    services::{Context, Error, Scope},
};

/// Asks for a socket: with the link's keys, or with a QR code to scan when there is no link. The
/// connector reports how it goes on in the device's status. A device that was linked before takes the same number
/// again only, unless `allow_number_change` is said: until it is linked, disconnected or connected without it.
pub async fn connect(
    ctx: &Context,
    scope: &Scope,
    id: DeviceId,
    allow_number_change: bool,
) -> Result<Device, Error> {
    let device = get(ctx, scope, id).await?;
    let under_way = matches!(device.status, DeviceStatus::Connected | DeviceStatus::Qr);
    if under_way && device.desired == Desired::Connected {
        if device.status == DeviceStatus::Connected || device.allow_number_change == allow_number_change {
            return Ok(device);
        }
        // The code that is shown goes on being good.
        return want(ctx, scope, id, Wish { status: None, ..Wish::connected(allow_number_change) }).await;
    }
    want(ctx, scope, id, Wish::connected(allow_number_change)).await
}
