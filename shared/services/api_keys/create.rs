//! Making an API key.

use crate::{
    clock::Timestamp,
    config::parse_network,
    crypto,
    domain::{
        api_key::{ApiKey, PREFIX},
        ids::{AccountId, ApiKeyId, DeviceId, TenantId},
        role::Role,
    },
    secret::Secret,
    services::{Caller, Context, Error, ErrorCode, Invalid, devices},
    store::api_keys,
};

/// What is wanted.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// What its owner calls it.
    pub name: String,
    /// What it is trusted with; the owner's role when not given.
    pub role: Option<Role>,
    /// From when on it does not work.
    pub expires_at: Option<Timestamp>,
    /// Which devices alone it sees; all when empty.
    pub device_ids: Vec<DeviceId>,
    /// From where alone it works, as addresses or networks; from everywhere when empty.
    pub allowed_ips: Vec<String>,
}

/// Makes a key for the caller. The secret is in the answer and nowhere else.
///
/// Fails with `forbidden` for an administrator in another tenant: a key acts for one of the tenant's members.
pub async fn create(ctx: &Context, caller: &Caller, input: NewApiKey) -> Result<(ApiKey, Secret), Error> {
    if caller.is_acting() {
        let detail = "a key acts for a member of its tenant; one of them makes it";
        return Err(Error::new(ErrorCode::Forbidden, detail));
    }
    let mut invalid = Invalid::default();
    devices::check_ids(ctx, caller, &mut invalid, &input.device_ids).await?;
    let owner = (caller.tenant(), caller.account.id);
    make(ctx, invalid, owner, caller.role, caller.api_key.as_ref(), input).await
}

/// Makes a key of a tenant for one of its members, who is trusted with `role`.
pub async fn create_for(
    ctx: &Context,
    owner: (TenantId, AccountId),
    role: Role,
    input: NewApiKey,
) -> Result<(ApiKey, Secret), Error> {
    make(ctx, Invalid::default(), owner, role, None, input).await
}

/// Makes a key of a tenant for `owner`, who acts with `owner_role`, through the key `parent` if through one: then the new
/// one works no longer and from nowhere else. The secret is in the answer and nowhere else.
async fn make(
    ctx: &Context,
    mut invalid: Invalid,
    (tenant, owner): (TenantId, AccountId),
    owner_role: Role,
    parent: Option<&ApiKey>,
    input: NewApiKey,
) -> Result<(ApiKey, Secret), Error> {
    let now = ctx.now();
    let role = input.role.unwrap_or(owner_role);
    let expires_at = input.expires_at.or(parent.and_then(|parent| parent.expires_at));
    let name = invalid.text(&input.name, "name", 1, 100);
    invalid.unless(role <= owner_role, "role", "role_too_high", "a key has no higher role than its owner");
    invalid.unless(
        input.expires_at.is_none_or(|at| at > now),
        "expiresAt",
        "in_the_past",
        "a key must expire in the future",
    );
    invalid.unless(input.allowed_ips.len() <= 50, "allowedIps", "too_many", "at most 50 networks");
    let mut allowed_ips = Vec::new();
    for (n, text) in input.allowed_ips.iter().enumerate() {
        let network = parse_network(text).ok_or("not an address or a network like 203.0.113.0/24");
        allowed_ips.extend(invalid.take(network, &format!("allowedIps[{n}]"), "network_invalid"));
    }
    if let Some(parent) = parent {
        let inside = allowed_ips.iter().all(|net| parent.allowed_ips.iter().any(|of| of.contains(net)));
        let message = "a key cannot make one that works from elsewhere";
        if allowed_ips.is_empty() {
            allowed_ips.clone_from(&parent.allowed_ips);
        } else {
            invalid.unless(parent.allowed_ips.is_empty() || inside, "allowedIps", "too_wide", message);
        }
        let message = "a key cannot make one that works longer";
        let in_time = parent.expires_at.is_none_or(|end| expires_at.is_some_and(|at| at <= end));
        invalid.unless(in_time, "expiresAt", "too_late", message);
    }
    invalid.check()?;
    let secret = crypto::random_token(PREFIX);
    let key = ApiKey {
        id: ApiKeyId::generate(now),
        tenant_id: tenant,
        account_id: owner,
        name,
        prefix: secret.expose().chars().take(PREFIX.len() + 6).collect(),
        role,
        created_at: now,
        expires_at,
        allowed_ips,
        device_ids: input.device_ids,
        last_used_at: None,
    };
    api_keys::create(&ctx.db, crypto::token_hash(secret.expose()), &key).await?;
    Ok((key, secret))
}
