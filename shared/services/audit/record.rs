//! Writing down what was done.

use std::{net::IpAddr, time::Duration};

use crate::{
    domain::{
        account::Account,
        audit::{AuditEntry, Outcome},
        ids::{ApiKeyId, AuditId},
        plan,
    },
    services::Context,
    store::audit,
};

/// Something that somebody did, or tried.
#[derive(Debug, Clone)]
pub struct Deed<'a> {
    /// Who; `None` when nobody known was asking.
    pub actor: Option<&'a Account>,
    /// With which API key, when with one.
    pub api_key: Option<ApiKeyId>,
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

/// Appends an entry, to be kept as long as the plan of who did it says. A log that cannot be written is
/// reported and does not undo what was done.
pub async fn record(ctx: &Context, deed: Deed<'_>) {
    let now = ctx.now();
    let plan = deed.actor.map_or(plan::DEFAULT, |account| &account.plan);
    let days = ctx.plans.get(plan).audit_days;
    let entry = AuditEntry {
        id: AuditId::generate(now),
        at: now,
        actor_id: deed.actor.map(|account| account.id),
        api_key_id: deed.api_key,
        action: deed.action.into(),
        target: deed.target,
        ip: deed.ip.map(|ip| ip.to_string()),
        outcome: deed.outcome,
        code: deed.code,
        request_id: deed.request_id,
    };
    let until = now + Duration::from_secs(u64::from(days) * 86_400);
    if let Err(error) = audit::append(&ctx.db, &entry, until).await {
        let error = &error as &dyn std::error::Error;
        tracing::error!(action = entry.action, request = entry.request_id, error, "not in the audit log");
    }
}
