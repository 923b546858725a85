//! Revoking an API key.

use crate::{
    domain::ids::ApiKeyId,
    services::{Caller, Context, Error},
    store::api_keys,
};

/// Ends one of the caller's keys: it stops working at once.
pub async fn revoke(ctx: &Context, caller: &Caller, id: ApiKeyId) -> Result<(), Error> {
    if api_keys::delete(&ctx.db, caller.tenant(), id).await? {
        Ok(())
    } else {
        Err(Error::not_found("API key"))
    }
}
