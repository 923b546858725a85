//! Listing devices.

use crate::{
    domain::device::{Device, DeviceStatus},
    services::{Caller, Context, Error, Invalid, Listing, PageRequest},
    store::devices,
};

/// The caller's devices, oldest first; only those in `status` when given.
pub async fn list(
    ctx: &Context,
    caller: &Caller,
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
    let (limit, from) = page.read(ctx, caller.tenant(), &query)?;
    let page = devices::list(&ctx.db, caller.tenant(), status, limit, from).await?;
    Ok(Listing::of(ctx, caller.tenant(), &query, page))
}
