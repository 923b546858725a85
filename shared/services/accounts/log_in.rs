//! Login with e-mail address and password.

use std::net::IpAddr;

use super::{Session, begin, password_error, throttle};
use crate::{
    domain::account::Email,
    secret::Secret,
    services::{Context, Error},
    store::{
        accounts::{self, AccountRow},
        tenants::{self, TenantRow},
    },
};

/// What somebody who wants in shows.
#[derive(Debug, Clone)]
pub struct Login {
    /// The account's e-mail address.
    pub email: String,
    /// Its password.
    pub password: Secret,
    /// Where it comes from, when known.
    pub ip: Option<IpAddr>,
}

/// Logs an account in. An unknown address, a wrong password and an account that is not active fail alike
/// and take alike: a hash is computed in each case, and each is a failed attempt.
///
/// Fails with `unauthenticated`, with `rate_limited` after too many failed attempts, and with `busy` when too many
/// log in at once.
pub async fn log_in(ctx: &Context, input: Login) -> Result<Session, Error> {
    let attempt = throttle::begin_login(ctx, &input.email, input.ip).await?;
    let (mut row, tenant) = match check(ctx, &input).await {
        Ok(Some(found)) => found,
        Ok(None) => {
            attempt.count(ctx).await?;
            return Err(Error::unauthenticated("e-mail address or password is wrong"));
        }
        Err(error) => {
            attempt.give_back(ctx).await?;
            return Err(error);
        }
    };
    attempt.give_back(ctx).await?;
    throttle::remember_login(ctx, &input.email, input.ip).await?;
    let now = ctx.now();
    accounts::set_last_login(&ctx.db, row.account.id, now).await?;
    row.account.last_login_at = Some(now);
    begin(ctx, row, tenant).await
}

/// The account and its tenant, if the password is right and both are active.
async fn check(ctx: &Context, input: &Login) -> Result<Option<(AccountRow, TenantRow)>, Error> {
    let row = match Email::parse(&input.email) {
        Some(email) => accounts::find_by_email(&ctx.db, &email).await?,
        None => None,
    };
    let hash = row.as_ref().and_then(|row| row.password_hash.clone());
    let matches = ctx.passwords.verify(input.password.clone(), hash).await.map_err(password_error)?;
    let Some(row) = row.filter(|row| matches && row.account.active) else { return Ok(None) };
    let tenant = tenants::get(&ctx.db, row.account.tenant_id).await?;
    Ok(tenant.filter(|of| of.tenant.active).map(|tenant| (row, tenant)))
}
