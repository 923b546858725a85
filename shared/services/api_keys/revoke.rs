//! Revoking an API key.

use crate::{
    domain::{api_key::ApiKey, ids::ApiKeyId, permissions::Permission},
    services::{Caller, Context, Error, ErrorCode},
    store::api_keys,
};

/// Ends one of the caller's keys, or for owners one of the tenant's: it stops working at once.
///
/// Fails with `not_found`, or with `forbidden` for a key that is trusted with more than the caller.
pub async fn revoke(ctx: &Context, caller: &Caller, id: ApiKeyId) -> Result<(), Error> {
    let found = api_keys::find_by_id(&ctx.db, caller.tenant(), id).await?;
    let is_ones_own = |key: &ApiKey| key.account_id == caller.account.id;
    let (hash, key) = found
        .filter(|(_, key)| is_ones_own(key) || caller.allows(Permission::ManageMembers))
        .ok_or_else(|| Error::not_found("API key"))?;
    // A key is worth no more than its owner is now.
    if key.role.min(caller.account.role) > caller.role {
        let detail = "a key does not revoke a key of a higher role";
        return Err(Error::new(ErrorCode::Forbidden, detail));
    }
    Ok(api_keys::delete(&ctx.db, &hash).await?)
}
