//! Login with e-mail address and password.

use std::sync::OnceLock;

use super::{Session, begin};
use crate::{
    crypto,
    domain::account::Email,
    secret::Secret,
    services::{Context, Error},
    store::accounts,
};

/// What somebody who wants in shows.
#[derive(Debug, Clone)]
pub struct Login {
    /// The account's e-mail address.
    pub email: String,
    /// Its password.
    pub password: Secret,
}

/// Logs an account in. An unknown address, a wrong password and an account that is not active fail alike
/// and take alike: a hash is computed in each case.
pub async fn log_in(ctx: &Context, input: Login) -> Result<Session, Error> {
    let row = match Email::parse(&input.email) {
        Some(email) => accounts::find_by_email(&ctx.db, &email).await?,
        None => None,
    };
    let hash = row.as_ref().map(|row| row.password_hash.clone());
    let password = input.password;
    let matches = tokio::task::spawn_blocking(move || match hash {
        Some(hash) => crypto::verify_password(&password, &hash),
        None => {
            crypto::verify_password(&password, hash_of_nobody());
            false
        }
    })
    .await
    .map_err(Error::internal)?;
    match row {
        Some(mut row) if matches && row.account.active => {
            let now = ctx.now();
            accounts::set_last_login(&ctx.db, row.account.id, now).await?;
            row.account.last_login_at = Some(now);
            begin(ctx, row.account).await
        }
        _ => Err(Error::unauthenticated("e-mail address or password is wrong")),
    }
}

fn hash_of_nobody() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| crypto::hash_password(&crypto::random_token("")).unwrap_or_default())
}
