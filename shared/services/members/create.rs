//! Adding a member: with a password, or by invitation.

use std::{net::IpAddr, time::Duration};

use super::check_role;
use crate::{
    domain::{permissions::Permission, role::Role},
    services::{
        Context, Error, ErrorCode, Invalid, Scope,
        accounts::{self, Home, Made, NewMember},
    },
    store,
};

/// The most members of a tenant.
pub const MAX_MEMBERS: usize = 200;

/// Adds a member to the caller's tenant, as `user` when no role is given. One who is given no password is invited: the
/// address is the member's when the invitation is accepted, and whether somebody else has it is not told before.
///
/// Fails with `already_member`, with `email_taken` for one with a password, with `quota_exceeded`, and, as a
/// registration does, with `rate_limited`: else owners could look for addresses that have an account.
pub async fn create(
    ctx: &Context,
    scope: &Scope,
    input: NewMember,
    role: Option<Role>,
    ip: Option<IpAddr>,
) -> Result<Made, Error> {
    let role = role.unwrap_or(Role::User);
    let mut invalid = Invalid::default();
    check_role(&mut invalid, scope, role);
    let member = input.check(&mut invalid, "", role);
    invalid.check()?;
    let member = member.ok_or_else(|| Error::internal("an invalid member was let through"))?;
    let members = store::accounts::all(&ctx.db, scope.tenant()).await?;
    if members.iter().any(|of| of.account.email == member.email) {
        return Err(Error::new(ErrorCode::AlreadyMember, "the tenant has a member with this e-mail address"));
    }
    if members.len() >= MAX_MEMBERS {
        let detail = format!("a tenant has at most {MAX_MEMBERS} members; remove one first");
        // There is no time at which this changes by itself.
        let error = Error::new(ErrorCode::QuotaExceeded, detail);
        return Err(error.retry_after(Duration::from_secs(3600)));
    }
    let home = Home::In(scope.tenant());
    if member.password.is_none() || scope.allows(Permission::ManageTenants) {
        return accounts::create(ctx, member, home).await?.or_taken();
    }
    accounts::counted_as_registration(ctx, ip, accounts::create(ctx, member, home)).await?.or_taken()
}
