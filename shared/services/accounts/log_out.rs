//! Logout: the end of a token family, or of all.

use super::refresh::family_of;
use crate::{
    domain::account::Account,
    secret::Secret,
    services::{Caller, Context, Error, ErrorCode},
    store::{accounts, refresh_tokens},
};

/// Ends the family of a refresh token, also of one that was used: its access tokens end with it. Says whose it was;
/// one that is unknown has ended already, which is no failure.
pub async fn log_out(ctx: &Context, token: &Secret) -> Result<Option<Account>, Error> {
    let Some(family) = family_of(token) else { return Ok(None) };
    let ended = refresh_tokens::delete(&ctx.db, family).await?;
    ctx.families.forget(family);
    let Some(account) = ended else { return Ok(None) };
    Ok(accounts::get(&ctx.db, account).await?.map(|row| row.account))
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
