//! Checking a list of devices that somebody gives.

use super::get;
use crate::{
    domain::ids::DeviceId,
    services::{Context, Error, ErrorCode, Invalid, Scope},
};

/// The most devices in a list.
const MAX_DEVICES: usize = 50;

/// Names each of `deviceIds` that is none of the caller's devices.
pub(in crate::services) async fn check_ids(
    ctx: &Context,
    scope: &Scope,
    invalid: &mut Invalid,
    ids: &[DeviceId],
) -> Result<(), Error> {
    if ids.len() > MAX_DEVICES {
        invalid.unless(false, "deviceIds", "too_many", "at most 50 devices");
        return Ok(());
    }
    let found = futures::future::join_all(ids.iter().map(|id| get(ctx, scope, *id))).await;
    for (n, found) in found.into_iter().enumerate() {
        match found {
            Ok(_) => {}
            Err(error) if error.code == ErrorCode::NotFound => {
                let field = format!("deviceIds[{n}]");
                invalid.unless(false, &field, "device_unknown", "there is no such device");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
