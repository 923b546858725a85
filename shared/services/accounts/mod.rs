//! Accounts: registration, login, tokens.

mod change_password;
mod ensure_admin;
mod families;
mod log_in;
mod log_out;
mod refresh;
mod register;
mod rename;
mod throttle;
mod tokens;

pub use change_password::{PasswordChange, change_password};
pub use ensure_admin::{FirstAdmin, ensure_admin};
pub use families::Families;
pub use log_in::{Login, log_in};
pub use log_out::{log_out, log_out_everywhere};
pub use refresh::refresh;
pub use register::{Registered, Registration, register};
pub use rename::rename;
pub use tokens::{ACCESS_TOKEN_LIFETIME, Claims, KeyError, Tokens};

use std::time::Duration;

use super::{Context, Error, ErrorCode, Invalid};
use crate::{
    crypto,
    domain::{
        account::{Account, Email},
        ids::{AccountId, TokenFamilyId},
        role::Role,
    },
    passwords::PasswordError,
    secret::Secret,
    store::{
        accounts::{self, AccountRow},
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
async fn begin(ctx: &Context, row: AccountRow) -> Result<Session, Error> {
    let now = ctx.now();
    let AccountRow { account, generation, .. } = row;
    let family = TokenFamilyId::generate(now);
    let refresh_token = refresh::new_token(family);
    let hash = crypto::token_hash(refresh_token.expose());
    refresh_tokens::create(&ctx.db, family, account.id, generation, hash, now).await?;
    let access_token = ctx.tokens.issue(&account, generation, family, now)?;
    Ok(Session { account, access_token, refresh_token })
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

/// An account to be made, already checked.
pub(super) struct NewAccount {
    pub email: Email,
    pub password: Secret,
    pub name: String,
    pub role: Role,
    pub plan: String,
}

/// What came of making an account.
pub(super) enum Created {
    /// It exists now.
    Done(AccountRow),
    /// Another account has the address.
    EmailTaken,
}

/// Stores a new account with its first password.
pub(super) async fn create(ctx: &Context, new: NewAccount) -> Result<Created, Error> {
    let now = ctx.now();
    let account = Account {
        id: AccountId::generate(now),
        email: new.email,
        name: new.name,
        role: new.role,
        plan: new.plan,
        active: true,
        created_at: now,
        last_login_at: None,
    };
    let password_hash = hash_password(ctx, new.password).await?;
    let row = AccountRow { account, password_hash, generation: 0, erasure: None };
    Ok(match accounts::create(&ctx.db, &row).await? {
        accounts::Created::Done => Created::Done(row),
        accounts::Created::EmailTaken => Created::EmailTaken,
    })
}

impl Created {
    /// The account, for who may know that an address is taken.
    ///
    /// Fails with `email_taken`.
    pub(super) fn or_taken(self) -> Result<Account, Error> {
        match self {
            Self::Done(row) => Ok(row.account),
            Self::EmailTaken => {
                Err(Error::new(ErrorCode::EmailTaken, "another account has this e-mail address"))
            }
        }
    }
}
