//! Accounts: registration, login, tokens.

mod accept_invitation;
mod change_password;
mod create;
mod ensure_admin;
mod families;
mod log_in;
mod log_out;
mod refresh;
mod register;
mod rename;
mod throttle;
mod tokens;

pub use accept_invitation::{Acceptance, accept_invitation};
pub use change_password::{PasswordChange, change_password};
pub(super) use create::{Home, create, new_tenant};
pub use create::{Made, NewMember};
pub use ensure_admin::{FirstAdmin, ensure_admin};
pub use families::Families;
pub use log_in::{Login, log_in};
pub use log_out::{log_out, log_out_everywhere};
pub use refresh::refresh;
pub use register::{Registered, Registration, register};
pub use rename::rename;
pub use tokens::{ACCESS_TOKEN_LIFETIME, Claims, KeyError, Tokens};

use std::{net::IpAddr, time::Duration};

use super::{Context, Error, ErrorCode, Invalid, Scope};
use crate::{
    crypto,
    domain::{account::Account, actor::Actor, ids::TokenFamilyId},
    passwords::PasswordError,
    secret::Secret,
    store::{accounts::AccountRow, refresh_tokens, tenants::TenantRow},
};

/// A login: an account and its tokens.
#[derive(Debug, Clone)]
pub struct Session {
    /// Who logged in.
    pub account: Account,
    /// For whom and as whom it acts.
    pub scope: Scope,
    /// Short-lived, for `Authorization: Bearer`.
    pub access_token: Secret,
    /// Long-lived, used once each.
    pub refresh_token: Secret,
}

/// Begins a token family for an account of a tenant.
async fn begin(ctx: &Context, row: AccountRow, tenant: TenantRow) -> Result<Session, Error> {
    let now = ctx.now();
    let generation = row.generation_in(&tenant);
    let account = row.account;
    let family = TokenFamilyId::generate(now);
    let refresh_token = refresh::new_token(family);
    let hash = crypto::token_hash(refresh_token.expose());
    refresh_tokens::create(&ctx.db, family, account.id, generation, hash, now).await?;
    let access_token = ctx.tokens.issue(&account, generation, family, now)?;
    let scope = of_person(ctx, &account, tenant);
    Ok(Session { account, scope, access_token, refresh_token })
}

/// The scope of an account in its tenant.
fn of_person(ctx: &Context, account: &Account, tenant: TenantRow) -> Scope {
    Scope::new(ctx, tenant, Actor::Person(account.id), account.role)
}

/// Does something that counts as a registration from a network, unless it fails.
pub(super) async fn counted_as_registration<T>(
    ctx: &Context,
    ip: Option<IpAddr>,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let attempt = throttle::begin_registration(ctx, ip).await?;
    match work.await {
        Ok(done) => {
            attempt.count(ctx).await?;
            Ok(done)
        }
        Err(error) => {
            attempt.give_back(ctx).await?;
            Err(error)
        }
    }
}

/// Checks a password that somebody chooses.
pub(super) fn check_password(invalid: &mut Invalid, password: &Secret, field: &str) {
    let chars = password.expose().chars().count();
    invalid.unless(chars >= 8, field, "too_short", "a password needs at least 8 characters");
    invalid.unless(chars <= 256, field, "too_long", "a password has at most 256 characters");
}

async fn hash_password(ctx: &Context, password: Secret) -> Result<Secret, Error> {
    ctx.passwords.hash(password).await.map_err(password_error)
}

fn password_error(error: PasswordError) -> Error {
    match error {
        PasswordError::Busy => busy(),
        PasswordError::Failed => Error::internal(error),
    }
}

/// More log in or register at once than are served.
fn busy() -> Error {
    Error::new(ErrorCode::Busy, "too many log in at this moment; try again soon")
        .retry_after(Duration::from_secs(1))
}
