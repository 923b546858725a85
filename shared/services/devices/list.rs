//! Listing devices.

use crate::{
    domain::device::{Device, DeviceStatus},
    services::{Context, Error, Invalid, Listing, PageRequest, Scope},
    store::devices,
};

/// The caller's devices, oldest first; only those in `status` when given.
pub async fn list(
    ctx: &Context,
    scope: &Scope,
    status: Option<&str>,
    page: PageRequest,
) -> Result<Listing<Device>, Error> {
    let mut invalid = Invalid::default();
    let status = status.and_then(|text| {
        let expected = format!("must be one of {}", DeviceStatus::NAMES.join(", "));
        invalid.take(DeviceStatus::parse(text).ok_or(expected), "status", "status_unknown")
    });
    invalid.check()?;
    let query = format!("devices?status={status:?}");
    let (limit, from) = page.read(ctx, scope.tenant(), &query)?;
    let mut page = devices::list(&ctx.db, scope.tenant(), status, limit, from).await?;
    page.items.retain(|device| scope.sees(device.id));
    Ok(Listing::of(ctx, scope.tenant(), &query, page))
}
