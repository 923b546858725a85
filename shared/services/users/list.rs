//! Listing accounts.

use crate::{
    domain::{account::Account, role::Role},
    services::{Context, Error, Listing, PageRequest, Scope},
    store::accounts::{self, Filter},
};

/// Which accounts are wanted; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    /// Their role.
    pub role: Option<Role>,
    /// Their plan.
    pub plan: Option<String>,
    /// Whether their credentials work.
    pub active: Option<bool>,
    /// A part of their e-mail address.
    pub email: Option<String>,
}

/// Accounts, oldest first.
pub async fn list(
    ctx: &Context,
    scope: &Scope,
    filter: UserFilter,
    page: PageRequest,
) -> Result<Listing<Account>, Error> {
    let filter = Filter {
        role: filter.role,
        plan: filter.plan,
        active: filter.active,
        email: filter.email.map(|email| email.to_lowercase()).filter(|email| !email.is_empty()),
    };
    let query = format!("users?{filter:?}");
    let (limit, from) = page.read(ctx, scope.tenant(), &query)?;
    let page = accounts::list(&ctx.db, &filter, limit, from).await?;
    Ok(Listing::of(ctx, scope.tenant(), &query, page))
}
