//! Accounts: registration, login, tokens.

mod change_password;
mod ensure_admin;
mod log_in;
mod log_out;
mod refresh;
mod register;
mod rename;
mod tokens;

pub use change_password::{PasswordChange, change_password};
pub use ensure_admin::{FirstAdmin, ensure_admin};
pub use log_in::{Login, log_in};
pub use log_out::log_out;
pub use refresh::refresh;
pub use register::{Registration, register};
pub use rename::rename;
pub use tokens::{ACCESS_TOKEN_LIFETIME, Claims, Tokens};

use super::{Context, Error, Invalid};
use crate::{
    clock::Timestamp,
    crypto,
    domain::{
        account::{Account, Email},
        ids::{AccountId, TokenFamilyId},
        role::Role,
    },
    secret::Secret,
    store::{
        accounts::{AccountRow, Created},
        refresh_tokens,
    },
};

/// A login: an account and its tokens.
#[derive(Debug, Clone)]
pub struct Session {
    /// Who logged in.
    pub account: Account,
    /// Short-lived, for `Authorization: Bearer`.
    pub access_token: Secret,
    /// Long-lived, used once each.
    pub refresh_token: Secret,
}

/// Begins a token family for an account.
async fn begin(ctx: &Context, account: Account) -> Result<Session, Error> {
    let now = ctx.now();
    let family = TokenFamilyId::generate(now);
    let refresh_token = refresh::new_token(family);
    let hash = crypto::token_hash(refresh_token.expose());
    refresh_tokens::create(&ctx.db, family, account.id, hash, now).await?;
    let access_token = ctx.tokens.issue(&account, now)?;
    Ok(Session { account, access_token, refresh_token })
}

/// Checks a password that somebody chooses.
fn check_password(invalid: &mut Invalid, password: &Secret, field: &str) {
    let chars = password.expose().chars().count();
    invalid.unless(chars >= 8, field, "too_short", "a password needs at least 8 characters");
    invalid.unless(chars <= 256, field, "too_long", "a password has at most 256 characters");
}

async fn hash_password(password: Secret) -> Result<String, Error> {
    tokio::task::spawn_blocking(move || crypto::hash_password(&password))
        .await
        .map_err(Error::internal)?
        .map_err(Error::internal)
}

/// Stores a new account with its first password.
async fn create(
    ctx: &Context,
    email: Email,
    password: Secret,
    name: String,
    role: Role,
    now: Timestamp,
) -> Result<Account, Error> {
    let account = Account {
        id: AccountId::generate(now),
        email,
        name,
        role,
        plan: "basic".into(),
        active: true,
        created_at: now,
        last_login_at: None,
    };
    let row = AccountRow { account, password_hash: hash_password(password).await? };
    match crate::store::accounts::create(&ctx.db, &row).await? {
        Created::Done => Ok(row.account),
        Created::EmailTaken => Err(Error::conflict("email_taken", "another account has this e-mail address")),
    }
}
