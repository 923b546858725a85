//! Logout: the end of a token family, or of all.

use super::refresh::family_of;
use crate::{
    crypto,
    secret::Secret,
    services::{Caller, Context, Error},
    store::{accounts, refresh_tokens},
};

/// Ends the family of a refresh token. One that is unknown or used has ended already: that is no failure.
pub async fn log_out(ctx: &Context, token: &Secret) -> Result<(), Error> {
    match family_of(token) {
        Some(family) => {
            let hash = crypto::token_hash(token.expose());
            Ok(refresh_tokens::delete_by_token(&ctx.db, family, &hash).await?)
        }
        None => Ok(()),
    }
}

/// Ends every access and refresh token of the caller's account, at once. API keys go on.
pub async fn log_out_everywhere(ctx: &Context, caller: &Caller) -> Result<(), Error> {
    Ok(accounts::end_tokens(&ctx.db, caller.account.id).await?)
}
