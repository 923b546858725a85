//! Removing a member.

use super::{find::find, refused, require_above};
use crate::{
    domain::ids::AccountId,
    services::{Context, Error, Scope},
    store::{accounts, api_keys, refresh_tokens},
};

/// Removes a member from the caller's tenant: tokens and API keys stop working at once, and the address is free.
/// What the member made stays the tenant's.
///
/// Fails with `last_owner` when no active owner would be left, and with `last_admin` when no active administrator of
/// the platform would be.
pub async fn delete(ctx: &Context, scope: &Scope, id: AccountId) -> Result<(), Error> {
    let member = find(ctx, scope, id).await?;
    require_above(scope, member.account.role)?;
    refused(accounts::delete(&ctx.db, &member).await?)?;
    // They work no longer, since their account is gone: what a crash leaves here goes with the tenant.
    api_keys::delete_of_account(&ctx.db, scope.tenant(), id).await?;
    refresh_tokens::delete_of_account(&ctx.db, id).await?;
    Ok(())
}
