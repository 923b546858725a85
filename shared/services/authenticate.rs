//! Who is asking.

use std::{net::IpAddr, ops::Deref};

use super::{Context, Error, ErrorCode, Scope};
use crate::{
    crypto,
    domain::{
        account::Account,
        actor::Actor,
        api_key,
        ids::{AccountId, TenantId, TokenFamilyId},
        permissions::Permission,
    },
    secret::Secret,
    store::{
        accounts, api_keys,
        tenants::{self, TenantRow},
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
pub struct Pass {
    /// Whose it is.
    pub(super) account: AccountId,
    /// The tenant that it lets in to.
    pub(super) tenant: TenantId,
    /// The credentials.
    pub(super) by: By,
}

/// By what credentials a caller was let in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum By {
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

impl Caller {
    /// The same in another tenant, where it is not limited: only an administrator's.
    ///
    /// Fails with `forbidden`, or with `not_found` when there is no such tenant.
    pub async fn acting_in(self, ctx: &Context, tenant: TenantId) -> Result<Self, Error> {
        if tenant == self.scope.tenant() {
            return Ok(self);
        }
        if !self.scope.allows(Permission::ManageTenants) {
            let detail = "only an administrator acts in another tenant";
            return Err(Error::new(ErrorCode::Forbidden, detail));
        }
        let row = tenants::get(&ctx.db, tenant).await?.filter(|row| row.erasure.is_none());
        let row = row.ok_or_else(|| Error::not_found("tenant"))?;
        let key = self.api_key.as_ref().map(|key| key.id);
        let actor = Actor::Administrator { account: self.account.id, key };
        let scope = Scope::new(ctx, row, actor, self.scope.role).unlimited();
        Ok(Self { scope, ..self })
    }

    /// Whether it acts in another tenant than its own.
    pub fn is_acting(&self) -> bool {
        self.account.tenant_id != self.scope.tenant()
    }
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
    let (pass, role, api_key) = match credentials {
        Credentials::AccessToken(token) => {
            let claims = ctx.tokens.verify(token, now).ok_or_else(invalid_token)?;
            let by = By::Token { generation: claims.generation, family: claims.family };
            (Pass { account: claims.sub, tenant: claims.tenant, by }, claims.role, None)
        }
        Credentials::ApiKey(key) => {
            let (hash, key) = find_key(ctx, key, ip).await?;
            let pass = Pass { account: key.account_id, tenant: key.tenant_id, by: By::Key { hash } };
            (pass, key.role, Some(key))
        }
    };
    let goes_on = async {
        Ok::<_, Error>(match &pass.by {
            By::Token { family, .. } => ctx.families.go_on(&ctx.db, *family, now).await?,
            By::Key { .. } => true,
        })
    };
    let (let_in, goes_on) = tokio::try_join!(pass.let_in(ctx), goes_on)?;
    if !goes_on {
        return Err(invalid_token());
    }
    let (account, tenant) = let_in.ok_or_else(gone)?;
    let actor = match &api_key {
        Some(key) => Actor::ApiKey { owner: account.id, key: key.id },
        None => Actor::Person(account.id),
    };
    let devices = api_key.as_ref().map(|key| key.device_ids.clone()).unwrap_or_default();
    let scope = Scope::new(ctx, tenant, actor, role.min(account.role)).bound_to(devices);
    Ok(Caller { account, api_key, pass, scope })
}

fn invalid_token() -> Error {
    Error::unauthenticated("the access token is not valid or has expired")
}

impl Pass {
    /// The account and the tenant that it lets in, if these let it in now.
    async fn let_in(&self, ctx: &Context) -> Result<Option<(Account, TenantRow)>, Error> {
        let (account, tenant) =
            tokio::try_join!(accounts::get(&ctx.db, self.account), tenants::get(&ctx.db, self.tenant))?;
        let Some((row, tenant)) = account.zip(tenant) else { return Ok(None) };
        let of_now = match self.by {
            By::Token { generation, .. } => generation == row.generation_in(&tenant),
            By::Key { .. } => true,
        };
        let is_there = row.account.tenant_id == tenant.tenant.id && tenant.tenant.active;
        Ok((row.account.active && is_there && of_now).then_some((row.account, tenant)))
    }

    /// Whether it still lets in.
    pub(super) async fn holds(&self, ctx: &Context) -> Result<bool, Error> {
        if self.let_in(ctx).await?.is_none() {
            return Ok(false);
        }
        let now = ctx.now();
        Ok(match &self.by {
            By::Token { family, .. } => ctx.families.go_on(&ctx.db, *family, now).await?,
            By::Key { hash } => api_keys::find(&ctx.db, hash).await?.is_some_and(|key| !key.is_expired(now)),
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
