//! Who is asking.

use std::{net::IpAddr, ops::Deref};

use super::{Context, Error, Scope};
use crate::{
    crypto,
    domain::{account::Account, actor::Actor, api_key, ids::TokenFamilyId},
    secret::Secret,
    store::{
        accounts::{self, AccountRow},
        api_keys,
    },
};

/// What a request shows of itself.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// An access token, from `Authorization: Bearer`.
    AccessToken(Secret),
    /// An API key, from `X-API-Key`.
    ApiKey(Secret),
}

/// What let a caller in. It is looked at again while something goes on for long.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Pass {
    /// An access token: of a generation of its account's tokens, and of a family of refresh tokens.
    Token { generation: u32, family: TokenFamilyId },
    /// An API key, by the hash that it is stored under.
    Key { hash: String },
}

/// An account that is asking by credentials, and the scope that these open: its role is never more than the account's.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The account.
    pub account: Account,
    /// The API key, when it asks with one.
    pub api_key: Option<api_key::ApiKey>,
    /// What let it in.
    pub pass: Pass,
    scope: Scope,
}

impl Deref for Caller {
    type Target = Scope;
    fn deref(&self) -> &Scope {
        &self.scope
    }
}

/// Finds out who is asking, from where. All that is wrong with credentials looks the same from outside.
pub async fn authenticate(
    ctx: &Context,
    credentials: &Credentials,
    ip: Option<IpAddr>,
) -> Result<Caller, Error> {
    let gone = || Error::unauthenticated("the account does not exist or is not active");
    let now = ctx.now();
    let (account, role, pass, api_key) = match credentials {
        Credentials::AccessToken(token) => {
            let claims = ctx.tokens.verify(token, now).ok_or_else(invalid_token)?;
            let pass = Pass::Token { generation: claims.generation, family: claims.family };
            (claims.sub, claims.role, pass, None)
        }
        Credentials::ApiKey(key) => {
            let (hash, key) = find_key(ctx, key, ip).await?;
            (key.account_id, key.role, Pass::Key { hash }, Some(key))
        }
    };
    let row = async { Ok(accounts::get(&ctx.db, account).await?) };
    let row = match &pass {
        Pass::Token { family, .. } => {
            let goes_on = async { Ok::<_, Error>(ctx.families.go_on(&ctx.db, *family, now).await?) };
            let (row, goes_on) = tokio::try_join!(row, goes_on)?;
            if !goes_on {
                return Err(invalid_token());
            }
            row
        }
        Pass::Key { .. } => row.await?,
    };
    let row = row.filter(|row| pass.is_of(row)).ok_or_else(gone)?;
    let account = row.account;
    let actor = match &api_key {
        Some(key) => Actor::ApiKey { owner: account.id, key: key.id },
        None => Actor::Person(account.id),
    };
    let scope = Scope::new(ctx, &account, actor, role.min(account.role));
    Ok(Caller { account, api_key, pass, scope })
}

fn invalid_token() -> Error {
    Error::unauthenticated("the access token is not valid or has expired")
}

impl Pass {
    /// Whether an account lets this in, as it is now.
    fn is_of(&self, row: &AccountRow) -> bool {
        let of_now = match self {
            Self::Token { generation, .. } => *generation == row.generation,
            Self::Key { .. } => true,
        };
        row.account.active && of_now
    }

    /// Whether it still lets in, to an account as it is now.
    pub(super) async fn holds(&self, ctx: &Context, row: &AccountRow) -> Result<bool, Error> {
        if !self.is_of(row) {
            return Ok(false);
        }
        let now = ctx.now();
        Ok(match self {
            Self::Token { family, .. } => ctx.families.go_on(&ctx.db, *family, now).await?,
            Self::Key { hash } => {
                api_keys::find(&ctx.db, hash).await?.is_some_and(|key| !key.is_expired(now))
            }
        })
    }
}

/// The key that has a secret, and the hash that it is stored under.
async fn find_key(
    ctx: &Context,
    key: &Secret,
    ip: Option<IpAddr>,
) -> Result<(String, api_key::ApiKey), Error> {
    let unknown = || Error::unauthenticated("the API key is not valid");
    if !key.expose().starts_with(api_key::PREFIX) {
        return Err(unknown());
    }
    let hash = crypto::token_hash(key.expose());
    let now = ctx.now();
    let found = api_keys::find(&ctx.db, &hash).await?;
    let found = found.filter(|key| key.works(now, ip)).ok_or_else(unknown)?;
    if found.last_used_at.is_none_or(|at| now.since(at) >= api_keys::USE_RESOLUTION) {
        // Knowing when a key was used is not worth refusing its owner.
        if let Err(error) = api_keys::set_last_used(&ctx.db, &hash, now).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(key = %found.id, error, "the use of an API key could not be written down");
        }
    }
    Ok((hash, found))
}
