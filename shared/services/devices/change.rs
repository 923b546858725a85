//! Renaming a device and changing its pacing.

use super::{check_pacing, get, wake};
use crate::{
    domain::{
        device::{Device, OnRelink},
        ids::DeviceId,
        pacing::PacingChange,
    },
    services::{Context, Error, ErrorCode, Invalid, Scope},
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

/// How often a change of pacing is tried that meets another one.
const TRIES: u32 = 5;

/// Changes one of the caller's devices. Limits that are changed at the same time by several all change.
pub async fn change(
    ctx: &Context,
    scope: &Scope,
    id: DeviceId,
    input: DeviceChange,
) -> Result<Device, Error> {
    let mut invalid = Invalid::default();
    let name = input.name.map(|name| invalid.text(&name, "name", 1, 100));
    let (db, tenant, now) = (&ctx.db, scope.tenant(), ctx.now());
    for _ in 0..TRIES {
        let before = get(ctx, scope, id).await?;
        let pacing = input.pacing.as_ref().map(|change| before.pacing.with(change));
        if let Some(pacing) = &pacing {
            check_pacing(&mut invalid, pacing);
        }
        std::mem::take(&mut invalid).check()?;
        let rules = pacing.as_ref().map(|pacing| (pacing, before.send_rules));
        let changed = devices::change(db, tenant, id, name.as_deref(), rules, input.on_relink, now).await?;
        if let Some(device) = changed {
            if pacing.is_some() || input.on_relink.is_some() {
                wake(ctx, &device).await?;
            }
            return Ok(device);
        }
        // Deleted, or somebody else changed it in between: then this change goes on top of that one.
    }
    Err(Error::new(ErrorCode::ChangedMeanwhile, "the device was changed at the same time; try again"))
}
