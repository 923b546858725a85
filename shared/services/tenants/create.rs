//! Making a tenant for somebody.

use super::check_plan;
use crate::{
    domain::{plan, role::Role, tenant::Tenant},
    services::{
        Context, Error, Invalid,
        accounts::{self, Home, Made, NewMember},
    },
};

/// What is wanted.
#[derive(Debug, Clone)]
pub struct NewTenant {
    /// What it is called.
    pub name: String,
    /// Its plan; the default one when not given.
    pub plan: Option<String>,
    /// Its first owner.
    pub owner: NewMember,
}

/// Makes a tenant with its owner, who is invited when no password is given. Works while registration is closed, too.
pub async fn create(ctx: &Context, input: NewTenant) -> Result<(Tenant, Made), Error> {
    let plan = input.plan.unwrap_or_else(|| plan::DEFAULT.into());
    let mut invalid = Invalid::default();
    let name = invalid.text(&input.name, "name", 1, 100);
    check_plan(&mut invalid, &ctx.plans, &plan);
    let owner = input.owner.check(&mut invalid, "owner.", Role::Owner);
    invalid.check()?;
    let owner = owner.ok_or_else(|| Error::internal("an invalid owner was let through"))?;
    let tenant = accounts::new_tenant(ctx, name, plan);
    let made = accounts::create(ctx, owner, Home::New(tenant.clone())).await?.or_taken()?;
    Ok((tenant, made))
}
