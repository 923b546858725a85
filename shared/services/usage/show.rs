//! What the caller uses of its plan.

use crate::{
    clock::Timestamp,
    services::{Context, Error, Scope},
    store::{counters, devices},
};

/// One limit, what is used of it, and when that begins anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitUse {
    /// What is limited, like `messagesPerHour`.
    pub name: String,
    /// How much is allowed; `None` is without limit.
    pub limit: Option<u32>,
    /// How much is used.
    pub used: u32,
    /// When it is counted from zero again; `None` for what is not counted by time.
    pub resets_at: Option<Timestamp>,
}

/// Every limit of the caller's plan and its use. Administrators are not limited, and not counted by time.
pub async fn usage(ctx: &Context, scope: &Scope) -> Result<Vec<LimitUse>, Error> {
    let now = ctx.now();
    let plan = scope.plan(ctx);
    let exempt = scope.is_exempt();
    let rates = if exempt { Vec::new() } else { plan.all_rates() };
    let (standings, devices) = tokio::try_join!(
        counters::read(&ctx.db, scope.tenant(), &rates, now),
        devices::count_of(&ctx.db, scope.tenant()),
    )?;
    let of_plan = |limit: Option<u32>| limit.filter(|_| !exempt);
    let stock = [
        ("devices", of_plan(plan.devices), devices),
        // Nothing can be made of these yet.
        ("autoReplies", of_plan(plan.auto_replies), 0),
        ("schedules", of_plan(plan.schedules), 0),
    ];
    let stock = stock.map(|(name, limit, used)| LimitUse { name: name.into(), limit, used, resets_at: None });
    let counted = standings.into_iter().map(|standing| LimitUse {
        name: standing.name(),
        limit: Some(standing.rate.limit),
        used: standing.used,
        resets_at: Some(standing.rate.per.end(now)),
    });
    Ok(stock.into_iter().chain(counted).collect())
}
