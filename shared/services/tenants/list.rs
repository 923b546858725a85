//! Listing tenants.

use crate::{
    domain::{account::Email, tenant::Tenant},
    services::{Context, Error, Invalid, Listing, PageRequest, Scope},
    store::{
        Page, accounts,
        tenants::{self, Filter},
    },
};

/// Which tenants are wanted; what is `None` does not matter.
#[derive(Debug, Clone, Default)]
pub struct TenantFilter {
    /// Their plan.
    pub plan: Option<String>,
    /// Whether the credentials of their members work.
    pub active: Option<bool>,
    /// The whole e-mail address of one of their members.
    pub email: Option<String>,
}

/// Tenants, oldest first.
pub async fn list(
    ctx: &Context,
    scope: &Scope,
    filter: TenantFilter,
    page: PageRequest,
) -> Result<Listing<Tenant>, Error> {
    let query = format!("tenants?{filter:?}");
    let (limit, from) = page.read(ctx, scope.tenant(), &query)?;
    let TenantFilter { plan, active, email } = filter;
    let page = match email {
        Some(email) => {
            let mut invalid = Invalid::default();
            let email =
                invalid.take(Email::parse(&email).ok_or("not an e-mail address"), "email", "email_invalid");
            invalid.check()?;
            let of_plan = |tenant: &Tenant| plan.as_ref().is_none_or(|plan| tenant.plan == *plan);
            let is_active = |tenant: &Tenant| active.is_none_or(|active| tenant.active == active);
            let found = of_member(ctx, email).await?.filter(of_plan).filter(is_active);
            Page { items: found.into_iter().collect(), next: None }
        }
        None => tenants::list(&ctx.db, &Filter { plan, active }, limit, from).await?,
    };
    Ok(Listing::of(ctx, scope.tenant(), &query, page))
}

/// The tenant of whoever has an address.
async fn of_member(ctx: &Context, email: Option<Email>) -> Result<Option<Tenant>, Error> {
    let Some(email) = email else { return Ok(None) };
    let Some(member) = accounts::find_by_email(&ctx.db, &email).await? else { return Ok(None) };
    let row = tenants::get(&ctx.db, member.account.tenant_id).await?;
    Ok(row.filter(|row| row.erasure.is_none()).map(|row| row.tenant))
}
