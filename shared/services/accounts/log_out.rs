//! Logout: the end of a token family.

use super::refresh::family_of;
use crate::{
    secret::Secret,
    services::{Context, Error},
    store::refresh_tokens,
};

/// Ends the family of a refresh token. One that is unknown has ended already: that is no failure.
pub async fn log_out(ctx: &Context, token: &Secret) -> Result<(), Error> {
    match family_of(token) {
        Some(family) => Ok(refresh_tokens::delete(&ctx.db, family).await?),
        None => Ok(()),
    }
}
