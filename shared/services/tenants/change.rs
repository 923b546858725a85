//! Changing a tenant.

use super::{check_plan, get::find, refused};
use crate::{
    domain::{
        ids::TenantId,
        tenant::{Tenant, time_zone},
    },
    services::{Context, Error, Invalid, retention},
    store::tenants::{self, Changed},
};

/// How often a change is tried that meets another one.
const TRIES: u32 = 5;

/// What is to change; what is not given stays.
#[derive(Debug, Clone, Default)]
pub struct TenantChange {
    /// Another name.
    pub name: Option<String>,
    /// Another plan.
    pub plan: Option<String>,
    /// Whether the credentials of its members work.
    pub active: Option<bool>,
    /// Another time zone, by its IANA name.
    pub time_zone: Option<String>,
    /// Another number of days that its data is kept; `Some(None)` for as long as the plan says.
    pub retention_days: Option<Option<u32>>,
}

/// Changes a tenant. Deactivation holds from the next request on, and ends its members' tokens.
///
/// Fails with `has_administrator` when an administrator would be locked out.
pub async fn change(ctx: &Context, id: TenantId, input: TenantChange) -> Result<Tenant, Error> {
    for _ in 0..TRIES {
        let before = find(ctx, id).await?;
        let mut after = before.clone();
        after.tenant = changed(ctx, before.tenant.clone(), &input)?;
        match tenants::replace(&ctx.db, &before, &after).await? {
            // Somebody else changed it in between: this change goes on top of that one.
            Changed::Stale => {}
            changed => {
                refused(changed)?;
                keep_by(ctx, &before.tenant, &after.tenant).await;
                return Ok(after.tenant);
            }
        }
    }
    refused(Changed::Stale)?;
    find(ctx, id).await.map(|row| row.tenant)
}

/// A tenant with what is to change of it.
fn changed(ctx: &Context, mut tenant: Tenant, input: &TenantChange) -> Result<Tenant, Error> {
    let mut invalid = Invalid::default();
    if let Some(name) = &input.name {
        tenant.name = invalid.text(name, "name", 1, 100);
    }
    if let Some(plan) = &input.plan {
        check_plan(&mut invalid, &ctx.plans, plan);
        tenant.plan.clone_from(plan);
    }
    if let Some(name) = &input.time_zone {
        let known = time_zone(name).ok_or("must be the IANA name of a time zone, like Asia/Jakarta");
        if let Some(known) = invalid.take(known, "settings.timeZone", "time_zone_unknown") {
            tenant.settings.time_zone = known.into();
        }
    }
    if let Some(days) = input.retention_days {
        let most = ctx.plans.get(&tenant.plan).retention().days.unwrap_or(u32::MAX);
        let fits = days.is_none_or(|days| (1..=most).contains(&days));
        let message = format!("must be between 1 and {most}, which the plan allows");
        invalid.unless(fits, "settings.retentionDays", "out_of_range", &message);
        tenant.settings.retention_days = days;
    }
    tenant.active = input.active.unwrap_or(tenant.active);
    invalid.check()?;
    Ok(tenant)
}

/// Has what the tenant stores kept as its plan and settings say now. The walk over all tenants comes upon what is
/// missed here.
async fn keep_by(ctx: &Context, before: &Tenant, after: &Tenant) {
    let rule = |tenant: &Tenant| tenant.retention(ctx.plans.get(&tenant.plan));
    if rule(before) == rule(after) {
        return;
    }
    if let Err(error) = retention::changed(ctx, after.id, rule(after)).await {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(tenant = %after.id, error, "a new rule of how long data is kept comes later");
    }
}
