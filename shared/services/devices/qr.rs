//! The QR code to scan.

use super::get;
use crate::{
    domain::{
        device::{DeviceStatus, QrCode},
        ids::DeviceId,
    },
    services::{Context, Error, ErrorCode, Scope},
};

/// The code that links one of the caller's devices now.
///
/// Fails with `already_connected`, or with `qr_not_ready` when no code is shown (yet).
pub async fn qr(ctx: &Context, scope: &Scope, id: DeviceId) -> Result<QrCode, Error> {
    let device = get(ctx, scope, id).await?;
    if device.status == DeviceStatus::Connected {
        return Err(Error::new(ErrorCode::AlreadyConnected, "the device is linked and connected"));
    }
    device.qr.filter(|qr| qr.expires_at > ctx.now()).ok_or_else(|| {
        let detail = "no QR code is shown now: connect the device, then ask again in a moment";
        Error::new(ErrorCode::QrNotReady, detail)
    })
}
