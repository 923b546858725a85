//! Who is asking.

use std::net::IpAddr;

use super::{Allowance, Category, Context, Error, allowance::rates_of};
use crate::{
    crypto,
    domain::{account::Account, api_key, ids::TenantId, permissions::Permission, role::Role},
    secret::Secret,
    store::{accounts, api_keys},
};

/// What a request shows of itself.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// An access token, from `Authorization: Bearer`.
    AccessToken(Secret),
    /// An API key, from `X-API-Key`.
    ApiKey(Secret),
}

/// An account that is asking, with the role that its credentials carry.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The account.
    pub account: Account,
    /// The role of the credentials: never more than the account's.
    pub role: Role,
    /// The API key, when it asks with one.
    pub api_key: Option<api_key::ApiKey>,
    /// Which generation of tokens its access token is of, when it asks with one.
    pub generation: Option<u32>,
    /// What it may use.
    pub allowance: Allowance,
}

impl Caller {
    /// The tenant whose data the caller sees.
    pub fn tenant(&self) -> TenantId {
        self.account.id
    }

    /// Whether no plan limits the caller: administrators.
    pub fn is_exempt(&self) -> bool {
        self.account.role == Role::Admin
    }

    /// Fails unless the caller may do this.
    pub fn require(&self, permission: Permission) -> Result<(), Error> {
        if self.role.allows(permission) {
            return Ok(());
        }
        let role = self.role;
        Err(Error::new(Category::Forbidden, "forbidden", format!("the role {role:?} does not allow this")))
    }
}

/// Finds out who is asking, from where. All that is wrong with credentials looks the same from outside.
pub async fn authenticate(
    ctx: &Context,
    credentials: &Credentials,
    ip: Option<IpAddr>,
) -> Result<Caller, Error> {
    let gone = || Error::unauthenticated("the account does not exist or is not active");
    let (account, role, generation, api_key) = match credentials {
        Credentials::AccessToken(token) => {
            let claims = ctx
                .tokens
                .verify(token, ctx.now())
                .ok_or_else(|| Error::unauthenticated("the access token is not valid or has expired"))?;
            (claims.sub, claims.role, Some(claims.generation), None)
        }
        Credentials::ApiKey(key) => {
            let key = find_key(ctx, key, ip).await?;
            (key.account_id, key.role, None, Some(key))
        }
    };
    let row = accounts::get(&ctx.db, account).await?.ok_or_else(gone)?;
    if !row.account.active || generation.is_some_and(|generation| generation != row.generation) {
        return Err(gone());
    }
    let account = row.account;
    let allowance = Allowance::new(account.id, rates_of(ctx, &account));
    Ok(Caller { role: role.min(account.role), account, api_key, generation, allowance })
}

async fn find_key(ctx: &Context, key: &Secret, ip: Option<IpAddr>) -> Result<api_key::ApiKey, Error> {
    let unknown = || Error::unauthenticated("the API key is not valid");
    if !key.expose().starts_with(api_key::PREFIX) {
        return Err(unknown());
    }
    let hash = crypto::token_hash(key.expose());
    let now = ctx.now();
    let found = api_keys::find(&ctx.db, &hash).await?;
    let found = found.filter(|key| key.works(now, ip)).ok_or_else(unknown)?;
    if found.last_used_at.is_none_or(|at| now.since(at) >= api_keys::USE_RESOLUTION) {
        api_keys::set_last_used(&ctx.db, &hash, now).await?;
    }
    Ok(found)
}
