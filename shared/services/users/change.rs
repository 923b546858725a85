//! Changing somebody's account.

use super::{check_plan, refused};
use crate::{
    domain::{account::Account, ids::AccountId, role::Role},
    services::{Context, Error, Invalid, retention},
    store::accounts::{self, AccountRow, Changed},
};

/// How often a change is tried that meets another one.
const TRIES: u32 = 5;

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
    for _ in 0..TRIES {
        let before = find(ctx, id).await?;
        let mut after = before.clone();
        let account = &mut after.account;
        account.name = name.clone().unwrap_or_else(|| account.name.clone());
        account.role = input.role.unwrap_or(account.role);
        account.plan = input.plan.clone().unwrap_or_else(|| account.plan.clone());
        account.active = input.active.unwrap_or(account.active);
        match accounts::replace(&ctx.db, &before, &after).await? {
            // Somebody else changed it in between: this change goes on top of that one.
            Changed::Stale => {}
            changed => {
                refused(changed)?;
                if before.account.plan != after.account.plan {
                    keep_by(ctx, &after.account).await;
                }
                return Ok(after.account);
            }
        }
    }
    refused(Changed::Stale)?;
    find(ctx, id).await.map(|row| row.account)
}

/// Has what the account stores kept as its new plan says. The walk over all accounts comes upon what is missed here.
async fn keep_by(ctx: &Context, account: &Account) {
    let rule = ctx.plans.get(&account.plan).retention();
    if let Err(error) = retention::changed(ctx, account.id, rule).await {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(account = %account.id, error, "a new rule of how long data is kept comes later");
    }
}

/// The account, unless it is being erased.
pub(super) async fn find(ctx: &Context, id: AccountId) -> Result<AccountRow, Error> {
    super::get(ctx, id).await?;
    accounts::get(&ctx.db, id).await?.ok_or_else(|| Error::not_found("user"))
}
