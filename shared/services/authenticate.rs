//! Who is asking.

use super::{Category, Context, Error};
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
}

impl Caller {
    /// The tenant whose data the caller sees.
    pub fn tenant(&self) -> TenantId {
        self.account.id
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

/// Finds out who is asking. All that is wrong with credentials looks the same from outside.
pub async fn authenticate(ctx: &Context, credentials: &Credentials) -> Result<Caller, Error> {
    let (account, role) = match credentials {
        Credentials::AccessToken(token) => {
            let claims = ctx
                .tokens
                .verify(token, ctx.now())
                .ok_or_else(|| Error::unauthenticated("the access token is not valid or has expired"))?;
            (claims.sub, claims.role)
        }
        Credentials::ApiKey(key) => {
            let unknown = || Error::unauthenticated("the API key is not valid");
            if !key.expose().starts_with(api_key::PREFIX) {
                return Err(unknown());
            }
            let found = api_keys::find(&ctx.db, &crypto::token_hash(key.expose())).await?;
            let found =
                found.filter(|key| key.expires_at.is_none_or(|at| at > ctx.now())).ok_or_else(unknown)?;
            (found.account_id, found.role)
        }
    };
    let row = accounts::get(&ctx.db, account)
        .await?
        .filter(|row| row.account.active)
        .ok_or_else(|| Error::unauthenticated("the account does not exist or is not active"))?;
    Ok(Caller { role: role.min(row.account.role), account: row.account })
}
