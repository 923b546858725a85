//! Changing somebody's account.

use super::{check_plan, refused};
use crate::{
    domain::{account::Account, ids::AccountId, role::Role},
    services::{Context, Error, Invalid},
    store::accounts::{self, AccountRow},
};

/// What is to change; what is not given stays.
#[derive(Debug, Clone, Default)]
pub struct UserChange {
    /// Another name.
    pub name: Option<String>,
    /// Another role.
    pub role: Option<Role>,
    /// Another plan.
    pub plan: Option<String>,
    /// Whether its credentials work.
    pub active: Option<bool>,
}

/// Changes an account. A lower role and deactivation hold from the next request on, and end its tokens.
///
/// Fails with `last_admin` when no active administrator would be left.
pub async fn change(ctx: &Context, id: AccountId, input: UserChange) -> Result<Account, Error> {
    let mut invalid = Invalid::default();
    let name = input.name.map(|name| invalid.text(&name, "name", 1, 100));
    if let Some(plan) = &input.plan {
        check_plan(&mut invalid, &ctx.plans, plan);
    }
    invalid.check()?;
    let before = find(ctx, id).await?;
    let mut after = before.clone();
    let account = &mut after.account;
    account.name = name.unwrap_or_else(|| account.name.clone());
    account.role = input.role.unwrap_or(account.role);
    account.plan = input.plan.unwrap_or_else(|| account.plan.clone());
    account.active = input.active.unwrap_or(account.active);
    refused(accounts::replace(&ctx.db, &before, &after).await?)?;
    Ok(after.account)
}

/// The account, unless it is being erased.
pub(super) async fn find(ctx: &Context, id: AccountId) -> Result<AccountRow, Error> {
    super::get(ctx, id).await?;
    accounts::get(&ctx.db, id).await?.ok_or_else(|| Error::not_found("user"))
}
