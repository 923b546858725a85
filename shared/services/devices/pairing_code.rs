//! Linking by a code that is typed on the phone.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Wish, get, want};
use crate::{
    clock::Timestamp,
    domain::{
        command::CommandFailure,
        device::{Admission, Desired, Device, DeviceStatus},
        ids::DeviceId,
        phone::PhoneNumber,
    },
    queue::payloads::{CommandPayload, PairingCodeV1},
    secret::Secret,
    services::{
        Caller, Context, Error, ErrorCode, Invalid,
        commands::{Answer, ask},
    },
};

/// A code to type on the phone, under *Linked devices*, *Link with phone number*.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PairingCode {
    /// Eight characters: as good as a login, so never shown in a log.
    pub code: Secret,
    /// Until when it can be typed.
    pub expires_at: Timestamp,
}

/// Asks WhatsApp for a code that links the caller's device to the phone with this number. Connects the
/// device when it is not.
///
/// Fails with `number_change` when the device was linked to another number before and `allow_number_change` is not
/// said.
pub async fn pairing_code(
    ctx: &Context,
    caller: &Caller,
    id: DeviceId,
    phone_number: &str,
    allow_number_change: bool,
) -> Result<Answer<PairingCode>, Error> {
    let mut invalid = Invalid::default();
    let number = invalid.take(PhoneNumber::parse(phone_number), "phoneNumber", "phone_invalid");
    invalid.check()?;
    let Some(number) = number else { return Err(Error::internal("an invalid number was let through")) };
    let mut device = get(ctx, caller, id).await?;
    if device.status == DeviceStatus::Connected {
        return Err(Error::new(ErrorCode::AlreadyConnected, "the device is linked and connected"));
    }
    let allow_number_change = allow_number_change || device.allow_number_change;
    let allowing = Device { allow_number_change, ..device.clone() };
    if let Admission::Refused(reason) = allowing.admits(&number) {
        return Err(Error::new(ErrorCode::NumberChange, reason));
    }
    if device.desired != Desired::Connected {
        device = want(ctx, caller, id, Wish::connected(allow_number_change)).await?;
    } else if device.allow_number_change != allow_number_change {
        device = want(ctx, caller, id, Wish { status: None, ..Wish::connected(allow_number_change) }).await?;
    }
    let answer = ask(ctx, &device, |command_id| {
        CommandPayload::PairingCodeV1(PairingCodeV1 {
            command_id,
            account_id: device.account_id,
            device_id: device.id,
            phone_number: number.digits().into(),
        })
    })
    .await?;
    let command = match answer {
        Answer::Pending(id) => return Ok(Answer::Pending(id)),
        Answer::Ready(command) => command,
    };
    match (command.result, command.error) {
        (Some(result), _) => serde_json::from_value(result).map(Answer::Ready).map_err(Error::internal),
        (None, Some(CommandFailure { code, message })) if code == ErrorCode::AlreadyConnected.as_str() => {
            Err(Error::new(ErrorCode::AlreadyConnected, message))
        }
        (None, failure) => {
            let message = failure.map(|failure| failure.message).unwrap_or_default();
            Err(Error::new(ErrorCode::PairingCodeRefused, message))
        }
    }
}
