//! Logout: the end of a token family, or of all.

use super::{of_person, refresh::family_of};
use crate::{
    secret::Secret,
    services::{Caller, Context, Error, ErrorCode, Scope},
    store::{accounts, refresh_tokens, tenants},
};

/// Ends the family of a refresh token, also of one that was used: its access tokens end with it. Says whose it was;
/// one that is unknown has ended already, which is no failure.
pub async fn log_out(ctx: &Context, token: &Secret) -> Result<Option<Scope>, Error> {
    let Some(family) = family_of(token) else { return Ok(None) };
    let ended = refresh_tokens::delete(&ctx.db, family).await?;
    ctx.families.forget(family);
    let Some(account) = ended else { return Ok(None) };
    let Some(row) = accounts::get(&ctx.db, account).await? else { return Ok(None) };
    let tenant = tenants::get(&ctx.db, row.account.tenant_id).await?;
    Ok(tenant.map(|tenant| of_person(ctx, &row.account, tenant)))
}

/// Ends every access and refresh token of the caller's account, at once. API keys go on.
///
/// Fails with `forbidden` for an API key of a lower role than the account's.
pub async fn log_out_everywhere(ctx: &Context, caller: &Caller) -> Result<(), Error> {
    if caller.api_key.is_some() && caller.role < caller.account.role {
        let detail = "a key of a lower role than its account's does not end the account's tokens";
        return Err(Error::new(ErrorCode::Forbidden, detail));
    }
    Ok(accounts::end_tokens(&ctx.db, caller.account.id).await?)
}
