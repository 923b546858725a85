//! What keeps passwords from being guessed, and accounts from being made by the thousand: attempts are counted under
//! throttle keys, failed ones until the end of the span, right ones only while they are under way.

use std::{
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use tokio::{sync::OwnedSemaphorePermit, time::Instant};

use crate::{
    domain::ids::AccountId,
    services::{Context, Error, ErrorCode, Limit},
    store::attempts::{self, Begun},
};

/// How many attempts of an account, and of a network, may fail in 15 minutes.
const MOST_FAILED: u32 = 5;

/// How many accounts may be registered from a network in 15 minutes.
const MOST_REGISTRATIONS: u32 = 20;

/// How long an attempt waits for others under the same key to be over.
const ATTEMPT_WAIT: Duration = Duration::from_secs(10);

/// An attempt under way. It holds its places until it is said what came of it.
#[must_use]
pub(super) struct Attempt {
    keys: Vec<String>,
    _permit: OwnedSemaphorePermit,
}

/// In a flood nobody so much as asks the store.
fn admit(ctx: &Context) -> Result<OwnedSemaphorePermit, Error> {
    ctx.passwords.admit().map_err(super::password_error)
}

/// Begins a login. Counted are failures at the account, known or not, and from the network; but for who logged in to
/// this account from this address before, for whom only their own failures there count: others' failures keep
/// nobody out who belongs there.
pub(super) async fn begin_login(ctx: &Context, email: &str, ip: Option<IpAddr>) -> Result<Attempt, Error> {
    let permit = admit(ctx)?;
    let known = known_key(ctx, email, ip);
    let is_known = match &known {
        Some(key) => attempts::is_remembered(&ctx.db, key, ctx.now()).await?,
        None => false,
    };
    let keys = match known.filter(|_| is_known) {
        Some(key) => vec![key],
        // The network first: who waits for that must not take up the account.
        None => {
            let network = ip.map(|ip| key(ctx, &format!("login from {}", network(ip, 48))));
            network.into_iter().chain([key(ctx, &format!("login to {}", folded(email)))]).collect()
        }
    };
    begin(ctx, permit, keys, MOST_FAILED).await
}

/// Remembers that somebody logged in to an account from an address.
pub(super) async fn remember_login(ctx: &Context, email: &str, ip: Option<IpAddr>) -> Result<(), Error> {
    match known_key(ctx, email, ip) {
        Some(key) => Ok(attempts::remember(&ctx.db, &key, ctx.now()).await?),
        None => Ok(()),
    }
}

/// Begins a change of password by somebody who is logged in: failures of strangers at the login do not count.
pub(super) async fn begin_password_change(ctx: &Context, account: AccountId) -> Result<Attempt, Error> {
    begin(ctx, admit(ctx)?, vec![key(ctx, &format!("password of {account}"))], MOST_FAILED).await
}

/// Begins a registration.
pub(super) async fn begin_registration(ctx: &Context, ip: Option<IpAddr>) -> Result<Attempt, Error> {
    let from = ip.map_or_else(|| "unknown".to_owned(), |ip| network(ip, 48));
    begin(ctx, admit(ctx)?, vec![key(ctx, &format!("registration from {from}"))], MOST_REGISTRATIONS).await
}

async fn begin(
    ctx: &Context,
    permit: OwnedSemaphorePermit,
    keys: Vec<String>,
    limit: u32,
) -> Result<Attempt, Error> {
    let mut attempt = Attempt { keys: Vec::new(), _permit: permit };
    for key in keys {
        match enter(ctx, &key, limit).await {
            Ok(()) => attempt.keys.push(key),
            Err(error) => {
                attempt.give_back(ctx).await?;
                return Err(error);
            }
        }
    }
    Ok(attempt)
}

/// Takes a place under one key, and waits a while for one.
async fn enter(ctx: &Context, key: &str, limit: u32) -> Result<(), Error> {
    let end = Instant::now() + ATTEMPT_WAIT;
    let mut pause = Duration::from_millis(40);
    loop {
        let now = ctx.now();
        match attempts::begin(&ctx.db, key, limit, now).await? {
            Begun::Admitted => return Ok(()),
            Begun::Refused { until, is_first } => {
                let error = Error::new(ErrorCode::RateLimited, "too many attempts; wait a while");
                return Err(error.retry_after(until.since(now)).at_limit(Limit { name: None, is_first }));
            }
            Begun::Crowded if Instant::now() >= end => return Err(super::busy()),
            Begun::Crowded => tokio::time::sleep(pause.mul_f64(rand::random_range(0.5..1.0))).await,
        }
        pause = (pause * 3 / 2).min(Duration::from_millis(250));
    }
}

impl Attempt {
    /// It was right, or not made at all.
    pub(super) async fn give_back(self, ctx: &Context) -> Result<(), Error> {
        for key in &self.keys {
            attempts::give_back(&ctx.db, key).await?;
        }
        Ok(())
    }

    /// It counts.
    pub(super) async fn count(self, ctx: &Context) -> Result<(), Error> {
        for key in &self.keys {
            attempts::fail(&ctx.db, key).await?;
        }
        Ok(())
    }
}

/// Under which it is remembered who logged in from where. Addresses of IPv6 change within their /64.
fn known_key(ctx: &Context, email: &str, ip: Option<IpAddr>) -> Option<String> {
    Some(key(ctx, &format!("{} from {}", folded(email), network(ip?, 64))))
}

/// Tables hold no addresses of people or networks, nor what these could be guessed from.
fn key(ctx: &Context, text: &str) -> String {
    ctx.pseudonyms.of("throttle", text)
}

fn folded(email: &str) -> String {
    email.trim().to_lowercase()
}

/// What one party has of addresses: one of IPv4, so many bits of IPv6.
fn network(ip: IpAddr, bits: u32) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => {
            let first = Ipv6Addr::from_bits(ip.to_bits() & !(u128::MAX >> bits));
            format!("{first}/{bits}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_an_address_of_ipv4_and_a_prefix_of_ipv6() {
        let of = |ip: &str, bits| network(ip.parse().unwrap(), bits);
        assert_eq!(of("203.0.113.7", 48), "203.0.113.7");
        assert_eq!(of("::ffff:203.0.113.7", 48), "203.0.113.7");
        assert_eq!(of("2001:db8:1:2:3::4", 48), "2001:db8:1::/48");
        assert_eq!(of("2001:db8:1:ffff::", 48), "2001:db8:1::/48");
        assert_eq!(of("2001:db8:1:2:3::4", 64), "2001:db8:1:2::/64");
    }
}
