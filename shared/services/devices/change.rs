//! Renaming a device and changing its pacing.

use super::{check_pacing, get, not_found, wake};
use crate::{
    domain::{
        device::{Device, OnRelink},
        ids::DeviceId,
        pacing::PacingChange,
    },
    services::{Caller, Context, Error, Invalid},
    store::devices,
};

/// What is to change; what is not given stays.
#[derive(Debug, Clone, Default)]
pub struct DeviceChange {
    /// Another name.
    pub name: Option<String>,
    /// Other limits of its pacing.
    pub pacing: Option<PacingChange>,
    /// What else becomes of messages that wait when its number changes.
    pub on_relink: Option<OnRelink>,
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
    let pacing = match &input.pacing {
        Some(change) => Some(get(ctx, caller, id).await?.pacing.with(change)),
        None => None,
    };
    if let Some(pacing) = &pacing {
        check_pacing(&mut invalid, pacing);
    }
    invalid.check()?;
    let (tenant, now) = (caller.tenant(), ctx.now());
    let changed =
        devices::change(&ctx.db, tenant, id, name.as_deref(), pacing.as_ref(), input.on_relink, now).await?;
    let device = changed.ok_or_else(not_found)?;
    if pacing.is_some() || input.on_relink.is_some() {
        wake(ctx, &device).await?;
    }
    Ok(device)
}
