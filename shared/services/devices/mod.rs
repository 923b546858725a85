//! Devices: linked WhatsApp accounts.

mod aliases;
mod change;
mod check_ids;
mod connect;
mod create;
mod delete;
mod disconnect;
mod get;
mod list;
mod list_all;
mod log_out;
mod pairing_code;
mod pause;
mod qr;

pub use aliases::{add_alias, find_by_alias, remove_alias};
pub use change::{DeviceChange, change};
pub(super) use check_ids::check_ids;
pub use connect::connect;
pub use create::{NewDevice, create};
pub use delete::{delete, erase};
pub use disconnect::disconnect;
pub use get::get;
pub use list::list;
pub use list_all::{DeviceFilter, list_all};
pub use log_out::log_out;
pub use pairing_code::pairing_code;
pub use pause::{pause, resume};
pub use qr::qr;

use super::{Context, Error, Invalid, Scope};
use crate::{
    domain::{
        device::{Desired, Device, DeviceStatus},
        ids::DeviceId,
        pacing::{self, Pacing},
    },
    queue::payloads::CommandPayload,
    store::devices,
};

/// What the owner wants of a device.
struct Wish {
    desired: Desired,
    /// What it shows at once.
    status: Option<DeviceStatus>,
    allow_number_change: bool,
}

impl Wish {
    fn of(desired: Desired) -> Self {
        Self { desired, status: None, allow_number_change: false }
    }

    /// A connection, with another number when it may be.
    fn connected(allow_number_change: bool) -> Self {
        Self { desired: Desired::Connected, status: Some(DeviceStatus::Connecting), allow_number_change }
    }
}

/// Writes down what the owner wants and wakes the connector.
async fn want(ctx: &Context, scope: &Scope, id: DeviceId, wish: Wish) -> Result<Device, Error> {
    if !scope.sees(id) {
        return Err(not_found());
    }
    let Wish { desired, status, allow_number_change: allowed } = wish;
    let device = devices::set_desired(&ctx.db, scope.tenant(), id, desired, status, allowed, ctx.now())
        .await?
        .ok_or_else(not_found)?;
    wake(ctx, &device).await?;
    Ok(device)
}

/// Tells the connector to look at a device's row.
async fn wake(ctx: &Context, device: &Device) -> Result<(), Error> {
    let payload = CommandPayload::device_changed(device.account_id, device.id);
    Ok(ctx.queues.send_command(device.shard, &payload).await?)
}

fn not_found() -> Error {
    Error::not_found("device")
}

fn check_pacing(invalid: &mut Invalid, pacing: &Pacing) {
    let longest = pacing::MAX_DELAY_MS;
    invalid.unless(
        pacing.min_delay_ms <= pacing.max_delay_ms,
        "pacing.minDelayMs",
        "out_of_range",
        "the shortest pause is longer than the longest",
    );
    invalid.unless(
        pacing.max_delay_ms <= longest,
        "pacing.maxDelayMs",
        "out_of_range",
        "a pause is at most a day (86400000)",
    );
    for (limit, field) in [
        (pacing.per_minute, "pacing.perMinute"),
        (pacing.per_hour, "pacing.perHour"),
        (pacing.per_recipient_per_hour, "pacing.perRecipientPerHour"),
    ] {
        invalid.unless(limit <= pacing::MAX_LIMIT, field, "out_of_range", "at most 10000; 0 is no limit");
    }
}
