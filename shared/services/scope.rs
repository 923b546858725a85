//! For whom and as whom a use case runs.

use super::{Allowance, Context, Error, ErrorCode};
use crate::domain::{
    actor::Actor,
    ids::{DeviceId, TenantId},
    permissions::Permission,
    plan::{Meter, Plan, Rate},
    retention::Retention,
    role::Role,
    tenant::Tenant,
};
use crate::store::tenants::TenantRow;

/// A tenant, who is asking for it, and what that one may do and use. Every use case on a tenant's data takes one: a
/// request makes it of its caller, a job, a schedule or an auto-reply of itself.
#[derive(Debug, Clone)]
pub struct Scope {
    tenant: Tenant,
    is_exempt: bool,
    /// The devices that are seen; all when empty.
    devices: Vec<DeviceId>,
    /// Who is asking.
    pub actor: Actor,
    /// What it is trusted with.
    pub role: Role,
    /// What it may use.
    pub allowance: Allowance,
}

impl Scope {
    /// A tenant, for somebody who is trusted with `role` there.
    pub fn new(ctx: &Context, tenant: TenantRow, actor: Actor, role: Role) -> Self {
        let is_exempt = tenant.is_exempt();
        let allowance = Allowance::new(tenant.tenant.id, rates_of(ctx, &tenant));
        Self { tenant: tenant.tenant, is_exempt, devices: Vec::new(), actor, role, allowance }
    }

    /// The same, but only these devices are seen; all when there are none.
    #[must_use]
    pub fn bound_to(self, devices: Vec<DeviceId>) -> Self {
        Self { devices, ..self }
    }

    /// The same, without limits.
    #[must_use]
    pub fn unlimited(self) -> Self {
        Self { is_exempt: true, allowance: Allowance::new(self.tenant.id, Vec::new()), ..self }
    }

    /// The devices that alone are seen; all when empty.
    pub fn devices(&self) -> &[DeviceId] {
        &self.devices
    }

    /// Whether a device of the tenant is seen.
    pub fn sees(&self, device: DeviceId) -> bool {
        self.devices.is_empty() || self.devices.contains(&device)
    }

    /// The tenant whose data is seen.
    pub fn tenant(&self) -> TenantId {
        self.tenant.id
    }

    /// The same with its name, plan and settings.
    pub fn of(&self) -> &Tenant {
        &self.tenant
    }

    /// The tenant's plan.
    pub fn plan<'a>(&self, ctx: &'a Context) -> &'a Plan {
        ctx.plans.get(&self.tenant.plan)
    }

    /// Whether no plan limits it: for an administrator, and in an administrator's tenant.
    pub fn is_exempt(&self) -> bool {
        self.is_exempt
    }

    /// How long what is stored is kept.
    pub fn retention(&self, ctx: &Context) -> Retention {
        self.tenant.retention(self.plan(ctx))
    }

    /// Whether it may do this.
    pub fn allows(&self, permission: Permission) -> bool {
        self.role.allows(permission) && (self.devices.is_empty() || permission.is_of_devices())
    }

    /// Fails unless it may do this.
    pub fn require(&self, permission: Permission) -> Result<(), Error> {
        if self.allows(permission) {
            return Ok(());
        }
        let detail = match self.role.allows(permission) {
            true => "a key that is bound to devices does not allow this".to_owned(),
            false => format!("the role {:?} does not allow this", self.role),
        };
        Err(Error::new(ErrorCode::Forbidden, detail))
    }
}

/// The rates of a tenant's plan; none for an administrator's, which is not limited.
pub(super) fn rates_of(ctx: &Context, tenant: &TenantRow) -> Vec<(Meter, Rate)> {
    match tenant.is_exempt() {
        true => Vec::new(),
        false => ctx.plans.get(&tenant.tenant.plan).all_rates(),
    }
}
