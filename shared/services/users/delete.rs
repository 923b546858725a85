//! Deleting somebody's account.

use super::{change::find, refused};
use crate::{
    domain::{
        account::{Erasure, ErasureStatus},
        ids::AccountId,
    },
    services::{Context, Error},
    store::accounts,
};

/// Deletes an account: its credentials stop working at once, and everything that it owns is erased in the
/// background ([`super::run_erasures`]).
///
/// Fails with `last_admin` when no active administrator would be left.
pub async fn delete(ctx: &Context, id: AccountId) -> Result<Erasure, Error> {
    let before = find(ctx, id).await?;
    let erasure = Erasure { status: ErasureStatus::Running, requested_at: ctx.now(), finished_at: None };
    let mut after = before.clone();
    after.account.active = false;
    after.erasure = Some(erasure.clone());
    refused(accounts::replace(&ctx.db, &before, &after).await?)?;
    Ok(erasure)
}
