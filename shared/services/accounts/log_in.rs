//! Login with e-mail address and password.

use std::{net::IpAddr, sync::OnceLock};

use super::{Session, begin};
use crate::{
    crypto,
    domain::account::Email,
    secret::Secret,
    services::{Category, Context, Error},
    store::{
        accounts::{self, AccountRow},
        login_attempts::{self, Try},
    },
};

/// How many wrong tries an account, and an address, has in 15 minutes.
const TRIES: u32 = 5;

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
/// and take alike: a hash is computed in each case, and each is a wrong try.
///
/// Fails with `unauthenticated`, or with `rate_limited` after too many wrong tries.
pub async fn log_in(ctx: &Context, input: Login) -> Result<Session, Error> {
    let now = ctx.now();
    let doors = doors(&input);
    for (n, door) in doors.iter().enumerate() {
        if let Try::TooMany(until) = login_attempts::count(&ctx.db, door, TRIES, now).await? {
            give_back(ctx, &doors[..n]).await?;
            let error =
                Error::new(Category::RateLimited, "rate_limited", "too many wrong tries; wait a while");
            return Err(error.retry_after(until.since(now)));
        }
    }
    let Some(mut row) = check(ctx, &input).await? else {
        return Err(Error::unauthenticated("e-mail address or password is wrong"));
    };
    accounts::set_last_login(&ctx.db, row.account.id, now).await?;
    give_back(ctx, &doors).await?;
    row.account.last_login_at = Some(now);
    begin(ctx, row).await
}

/// Where tries are counted: at the account, known or not, and at the address that they come from. Whoever has
/// one IPv6 address has the 2^64 beside it.
fn doors(input: &Login) -> Vec<String> {
    let address = input.ip.map(|ip| match ip {
        IpAddr::V4(ip) => format!("address {ip}"),
        IpAddr::V6(ip) => format!("address {:x?}", &ip.segments()[..4]),
    });
    [Some(account_door(&input.email)), address].into_iter().flatten().collect()
}

/// Where tries at an account are counted.
pub(super) fn account_door(email: &str) -> String {
    format!("account {}", email.trim().to_lowercase())
}

/// Counts a try at each door, before the password is looked at. [`give_back`] it when that was right.
pub(super) async fn knock(ctx: &Context, doors: &[String]) -> Result<(), Error> {
    let now = ctx.now();
    for (n, door) in doors.iter().enumerate() {
        if let Try::TooMany(until) = login_attempts::count(&ctx.db, door, TRIES, now).await? {
            give_back(ctx, &doors[..n]).await?;
            let error =
                Error::new(Category::RateLimited, "rate_limited", "too many wrong tries; wait a while");
            return Err(error.retry_after(until.since(now)));
        }
    }
    Ok(())
}

pub(super) async fn give_back(ctx: &Context, doors: &[String]) -> Result<(), Error> {
    for door in doors {
        login_attempts::give_back(&ctx.db, door).await?;
    }
    Ok(())
}

/// The account, if the password is right and it is active.
async fn check(ctx: &Context, input: &Login) -> Result<Option<AccountRow>, Error> {
    let row = match Email::parse(&input.email) {
        Some(email) => accounts::find_by_email(&ctx.db, &email).await?,
        None => None,
    };
    let hash = row.as_ref().map(|row| row.password_hash.clone());
    let password = input.password.clone();
    let matches = tokio::task::spawn_blocking(move || match hash {
        Some(hash) => crypto::verify_password(&password, hash.expose()),
        None => {
            crypto::verify_password(&password, hash_of_nobody());
            false
        }
    });
    let matches = matches.await.map_err(Error::internal)?;
    Ok(row.filter(|row| matches && row.account.active))
}

fn hash_of_nobody() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| crypto::hash_password(&crypto::random_token("")).unwrap_or_default())
}
