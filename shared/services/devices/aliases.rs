//! Foreign names of devices, for adapters of older gateways.

use super::{get, not_found};
use crate::{
    domain::{
        alias::{Alias, MAX_ALIASES, MAX_NAME_CHARS},
        ids::DeviceId,
    },
    services::{Context, Error, ErrorCode, Invalid, Scope},
    store::aliases::{self, Named},
};

/// Gives one of the caller's devices a foreign name, which no other device has where it is to be unique.
///
/// Fails with `validation_failed`, with `alias_taken`, or with `changed_meanwhile` when the device was named at the
/// same time.
pub async fn add_alias(ctx: &Context, scope: &Scope, id: DeviceId, alias: &Alias) -> Result<(), Error> {
    let device = get(ctx, scope, id).await?;
    let mut invalid = Invalid::default();
    invalid.text(&alias.name, "alias", 1, MAX_NAME_CHARS);
    let has_room = device.aliases.len() < MAX_ALIASES;
    invalid.unless(has_room, "alias", "too_many", &format!("a device has at most {MAX_ALIASES} names"));
    invalid.check()?;
    if device.aliases.contains(alias) {
        return Ok(());
    }
    match aliases::add(&ctx.db, &device, alias).await? {
        Named::Done => Ok(()),
        Named::Taken => Err(Error::new(ErrorCode::AliasTaken, "another device has this name")),
        Named::Refused => Err(changed_meanwhile()),
    }
}

/// Takes a foreign name from one of the caller's devices. One that it has not is no failure.
///
/// Fails with `changed_meanwhile` when the device was named at the same time.
pub async fn remove_alias(ctx: &Context, scope: &Scope, id: DeviceId, alias: &Alias) -> Result<(), Error> {
    let device = get(ctx, scope, id).await?;
    if !device.aliases.contains(alias) || aliases::remove(&ctx.db, &device, alias).await? {
        return Ok(());
    }
    Err(changed_meanwhile())
}

/// The caller's device that has a foreign name. One of another tenant's is not there.
pub async fn find_by_alias(ctx: &Context, scope: &Scope, alias: &Alias) -> Result<DeviceId, Error> {
    let found = aliases::find(&ctx.db, alias).await?;
    found
        .filter(|(tenant, device)| *tenant == scope.tenant() && scope.sees(*device))
        .map(|(_, device)| device)
        .ok_or_else(not_found)
}

fn changed_meanwhile() -> Error {
    Error::new(ErrorCode::ChangedMeanwhile, "the device was changed at the same time; try again")
}
