//! Writing down what was done.

use std::{net::IpAddr, time::Duration};

use crate::{
    domain::{
        actor::Actor,
        audit::{AuditEntry, Outcome},
        ids::AuditId,
        plan,
    },
    services::{Context, Scope},
    store::audit,
};

/// Something that somebody did, or tried.
#[derive(Debug, Clone)]
pub struct NewAuditEntry<'a> {
    /// For whom and as whom; `None` when nobody known was asking.
    pub scope: Option<&'a Scope>,
    /// What, as `<thing>.<verb>`.
    pub action: &'static str,
    /// To what.
    pub target: Option<String>,
    /// From where.
    pub ip: Option<IpAddr>,
    /// What came of it.
    pub outcome: Outcome,
    /// The problem's code, when there was one.
    pub code: Option<String>,
    /// The request.
    pub request_id: String,
}

/// Appends an entry, to be kept as long as the plan of the tenant says. A log that cannot be written is
/// reported and does not undo what was done.
pub async fn record(ctx: &Context, entry: NewAuditEntry<'_>) {
    let now = ctx.now();
    let plan = entry.scope.map_or_else(|| ctx.plans.get(plan::DEFAULT), |scope| scope.plan(ctx));
    let actor = entry.scope.map(|scope| scope.actor);
    let entry = AuditEntry {
        id: AuditId::generate(now),
        at: now,
        tenant_id: entry.scope.map(Scope::tenant),
        actor_kind: actor.map(Actor::kind),
        actor_id: actor.and_then(Actor::id),
        api_key_id: actor.and_then(Actor::api_key),
        action: entry.action.into(),
        target: entry.target,
        ip: entry.ip.map(|ip| ip.to_string()),
        outcome: entry.outcome,
        code: entry.code,
        request_id: entry.request_id,
    };
    let until = now + Duration::from_secs(u64::from(plan.audit_days) * 86_400);
    if let Err(error) = audit::append(&ctx.db, &entry, until).await {
        let error = &error as &dyn std::error::Error;
        tracing::error!(action = entry.action, request = entry.request_id, error, "not in the audit log");
    }
}
