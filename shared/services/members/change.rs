//! Changing a member.

use super::{check_role, find::find, refused, require_above};
use crate::{
    domain::{account::Account, ids::AccountId, role::Role},
    services::{Context, Error, Invalid, Scope},
    store::accounts::{self, Changed},
};

/// How often a change is tried that meets another one.
const TRIES: u32 = 5;

/// What is to change; what is not given stays.
#[derive(Debug, Clone, Default)]
pub struct MemberChange {
    /// Another name.
    pub name: Option<String>,
    /// Another role.
    pub role: Option<Role>,
    /// Whether the member's credentials work.
    pub active: Option<bool>,
}

/// Changes a member of the caller's tenant. A lower role and deactivation hold from the next request on, and end the
/// member's tokens.
///
/// Fails with `last_owner` when no active owner would be left, and with `last_admin` when no active administrator of
/// the platform would be.
pub async fn change(
    ctx: &Context,
    scope: &Scope,
    id: AccountId,
    input: MemberChange,
) -> Result<Account, Error> {
    let mut invalid = Invalid::default();
    let name = input.name.map(|name| invalid.text(&name, "name", 1, 100));
    if let Some(role) = input.role {
        check_role(&mut invalid, scope, role);
    }
    invalid.check()?;
    for _ in 0..TRIES {
        let before = find(ctx, scope, id).await?;
        require_above(scope, before.account.role)?;
        let mut after = before.clone();
        let account = &mut after.account;
        account.name = name.clone().unwrap_or_else(|| account.name.clone());
        account.role = input.role.unwrap_or(account.role);
        account.active = input.active.unwrap_or(account.active);
        match accounts::replace(&ctx.db, &before, &after).await? {
            // Somebody else changed it in between: this change goes on top of that one.
            Changed::Stale => {}
            changed => {
                refused(changed)?;
                return Ok(after.account);
            }
        }
    }
    refused(Changed::Stale)?;
    find(ctx, scope, id).await.map(|row| row.account)
}
