//! One account.

use crate::{
    domain::{account::Account, ids::AccountId},
    services::{Context, Error},
    store::accounts,
};

/// One account. One that is being erased is gone already.
pub async fn get(ctx: &Context, id: AccountId) -> Result<Account, Error> {
    // Of an erased account only its erasure is left, which `erasure` reads.
    if accounts::erasure(&ctx.db, id).await?.is_some() {
        return Err(Error::not_found("user"));
    }
    let row = accounts::get(&ctx.db, id).await?;
    row.map(|row| row.account).ok_or_else(|| Error::not_found("user"))
}
