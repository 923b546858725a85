//! A member by id.

use crate::{
    domain::ids::AccountId,
    services::{Context, Error, Scope},
    store::accounts::{self, AccountRow},
};

/// The row of a member of the caller's tenant.
pub(super) async fn find(ctx: &Context, scope: &Scope, id: AccountId) -> Result<AccountRow, Error> {
    let row = accounts::get(&ctx.db, id).await?.filter(|row| row.account.tenant_id == scope.tenant());
    row.ok_or_else(|| Error::not_found("member"))
}
