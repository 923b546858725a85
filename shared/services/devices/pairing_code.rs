//! Linking by a code that is typed on the phone.

use super::{Wish, get, want};
use crate::{
    domain::{
        command::{PairingCode, RequestPairingCode},
        device::{Admission, Desired, Device, DeviceStatus},
        ids::DeviceId,
        phone::PhoneNumber,
    },
    services::{
        Context, Error, ErrorCode, Invalid, Scope,
        commands::{Answer, ask},
    },
};

/// Asks WhatsApp for a code that links the caller's device to the phone with this number. Connects the
/// device when it is not.
///
/// Fails with `number_change` when the device was linked to another number before and `allow_number_change` is not
/// said.
pub async fn pairing_code(
    ctx: &Context,
    scope: &Scope,
    id: DeviceId,
    phone_number: &str,
    allow_number_change: bool,
) -> Result<Answer<PairingCode>, Error> {
    let mut invalid = Invalid::default();
    let number = invalid.take(PhoneNumber::parse(phone_number), "phoneNumber", "phone_invalid");
    let number = invalid.finish(number)?;
    let mut device = get(ctx, scope, id).await?;
    if device.status == DeviceStatus::Connected {
        return Err(Error::new(ErrorCode::AlreadyConnected, "the device is linked and connected"));
    }
    let allow_number_change = allow_number_change || device.allow_number_change;
    let allowing = Device { allow_number_change, ..device.clone() };
    if let Admission::Refused(reason) = allowing.admits(&number) {
        return Err(Error::new(ErrorCode::NumberChange, reason));
    }
    if device.desired != Desired::Connected {
        device = want(ctx, scope, id, Wish::connected(allow_number_change)).await?;
    } else if device.allow_number_change != allow_number_change {
        device = want(ctx, scope, id, Wish { status: None, ..Wish::connected(allow_number_change) }).await?;
    }
    ask(ctx, &device, &RequestPairingCode { phone_number: number.digits().into() }).await
}
