//! For whom and as whom a use case runs.

use super::{Allowance, Category, Context, Error};
use crate::domain::{
    account::Account,
    actor::Actor,
    ids::TenantId,
    permissions::Permission,
    plan::{Meter, Plan, Rate},
    retention::Retention,
    role::Role,
};

/// A tenant, who is asking for it, and what that one may do and use. Every use case on a tenant's data takes one: a
/// request makes it of its caller, a job, a schedule or an auto-reply of itself.
#[derive(Debug, Clone)]
pub struct Scope {
    tenant: TenantId,
    plan: String,
    is_exempt: bool,
    /// Who is asking.
    pub actor: Actor,
    /// What it is trusted with.
    pub role: Role,
    /// What it may use.
    pub allowance: Allowance,
}

impl Scope {
    /// An account's own tenant, for somebody who is trusted with `role`.
    pub fn new(ctx: &Context, account: &Account, actor: Actor, role: Role) -> Self {
        let is_exempt = account.role == Role::Admin;
        let allowance = Allowance::new(account.id, rates_of(ctx, account));
        Self { tenant: account.id, plan: account.plan.clone(), is_exempt, actor, role, allowance }
    }

    /// An account's own tenant, for the account itself.
    pub fn of_person(ctx: &Context, account: &Account) -> Self {
        Self::new(ctx, account, Actor::Person(account.id), account.role)
    }

    /// The tenant whose data is seen.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The name of the tenant's plan.
    pub fn plan_name(&self) -> &str {
        &self.plan
    }

    /// The tenant's plan.
    pub fn plan<'a>(&self, ctx: &'a Context) -> &'a Plan {
        ctx.plans.get(&self.plan)
    }

    /// Whether no plan limits it: administrators.
    pub fn is_exempt(&self) -> bool {
        self.is_exempt
    }

    /// How long what is stored is kept.
    pub fn retention(&self, ctx: &Context) -> Retention {
        self.plan(ctx).retention()
    }

    /// Whether it may do this.
    pub fn allows(&self, permission: Permission) -> bool {
        self.role.allows(permission)
    }

    /// Fails unless it may do this.
    pub fn require(&self, permission: Permission) -> Result<(), Error> {
        if self.allows(permission) {
            return Ok(());
        }
        let role = self.role;
        Err(Error::new(Category::Forbidden, "forbidden", format!("the role {role:?} does not allow this")))
    }
}

/// The rates of an account's plan; none for administrators, who are not limited.
pub(super) fn rates_of(ctx: &Context, account: &Account) -> Vec<(Meter, Rate)> {
    match account.role {
        Role::Admin => Vec::new(),
        _ => ctx.plans.get(&account.plan).all_rates(),
    }
}
