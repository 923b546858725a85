//! Renaming a device and changing its pacing.

use super::{check_pacing, not_found};
use crate::{
    domain::{device::Device, ids::DeviceId, pacing::Pacing},
    services::{Caller, Context, Error, Invalid},
    store::devices,
};

/// What is to change; what is not given stays.
#[derive(Debug, Clone, Default)]
pub struct DeviceChange {
    /// Another name.
    pub name: Option<String>,
    /// Another pacing.
    pub pacing: Option<Pacing>,
}

/// Changes one of the caller's devices.
pub async fn change(
    ctx: &Context,
    caller: &Caller,
    id: DeviceId,
    input: DeviceChange,
) -> Result<Device, Error> {
    let mut invalid = Invalid::default();
    let name = input.name.map(|name| invalid.text(&name, "name", 1, 100));
    if let Some(pacing) = &input.pacing {
        check_pacing(&mut invalid, pacing);
    }
    invalid.check()?;
    devices::change(&ctx.db, caller.tenant(), id, name.as_deref(), input.pacing.as_ref(), ctx.now())
        .await?
        .ok_or_else(not_found)
}
