//! What a caller may still use of its plan. A request is counted once, whatever it uses, in one write or in one
//! that it shares with others.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Context, Error, ErrorCode, Limit};
use crate::{
    clock::Timestamp,
    domain::{
        ids::TenantId,
        plan::{Meter, Rate},
    },
    store::counters::{self, Charged, LimitUse, Once},
};

/// The allowance of one request's caller. Clones are the same allowance.
#[derive(Debug, Clone)]
pub struct Allowance {
    tenant: TenantId,
    /// The plan's rates; none for who is not limited.
    rates: Vec<(Meter, Rate)>,
    /// How the request was counted; `None` before that.
    counted: Arc<Mutex<Option<Counted>>>,
}

#[derive(Debug, Clone, Default)]
struct Counted {
    /// How the limits stood then.
    standings: Vec<LimitUse>,
    /// When, if a write counted it.
    at: Option<Timestamp>,
}

impl Allowance {
    /// The allowance of a tenant with these rates.
    pub(super) fn new(tenant: TenantId, rates: Vec<(Meter, Rate)>) -> Self {
        Self { tenant, rates, counted: Arc::default() }
    }

    /// Counts the request, as an API call and on these meters. Once: later calls do nothing.
    ///
    /// Fails with `rate_limited` for API calls and `quota_exceeded` for the rest.
    pub async fn spend(&self, ctx: &Context, meters: &[Meter]) -> Result<(), Error> {
        if self.is_spent() {
            return Ok(());
        }
        let limits: Vec<_> = self
            .rates
            .iter()
            .filter(|(meter, _)| *meter == Meter::ApiCalls || meters.contains(meter))
            .copied()
            .collect();
        if limits.is_empty() {
            self.set(Counted::default());
            return Ok(());
        }
        let now = ctx.now();
        match ctx.charges.charge(&ctx.db, self.tenant, limits.clone(), now).await? {
            Charged::Done(standings) => {
                self.set(Counted { standings, at: Some(now) });
                Ok(())
            }
            Charged::Refused(standings) => {
                let worst = reached(&standings, now);
                if worst.is_some_and(|standing| standing.meter != Meter::ApiCalls) {
                    // What is refused for another reason is an API call all the same.
                    let calls = limits.iter().filter(|(meter, _)| *meter == Meter::ApiCalls).copied();
                    let calls: Vec<_> = calls.collect();
                    if !calls.is_empty() {
                        ctx.charges.charge(&ctx.db, self.tenant, calls, now).await?;
                    }
                }
                self.set(Counted { standings, at: None });
                Err(refusal(ctx, self.tenant, worst, now).await?)
            }
        }
    }

    /// Takes back what the request was counted as beside an API call: it turned out to be one that was made before.
    pub(super) async fn give_back(&self, ctx: &Context) -> Result<(), Error> {
        let Some(Counted { standings, at: Some(at) }) = self.lock().clone() else { return Ok(()) };
        let is_use = |standing: &&LimitUse| standing.meter != Meter::ApiCalls;
        let limits: Vec<_> = standings.iter().filter(is_use).map(|of| (of.meter, of.rate)).collect();
        counters::give_back(&ctx.db, self.tenant, &limits, at).await?;
        let less = |standing: LimitUse| match is_use(&&standing) {
            true => LimitUse { used: standing.used.saturating_sub(1), ..standing },
            false => standing,
        };
        self.set(Counted { standings: standings.into_iter().map(less).collect(), at: None });
        Ok(())
    }

    /// The rates that it is counted against; none for who is not limited.
    pub(super) fn rates(&self) -> &[(Meter, Rate)] {
        &self.rates
    }

    /// Whether the request has been counted.
    pub fn is_spent(&self) -> bool {
        self.lock().is_some()
    }

    /// How the limits stood when the request was counted.
    pub fn standings(&self) -> Vec<LimitUse> {
        self.lock().clone().unwrap_or_default().standings
    }

    fn set(&self, counted: Counted) {
        *self.lock() = Some(counted);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Counted>> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of the limits that are reached, the one that is reset last: then the caller may go on.
pub(super) fn reached(standings: &[LimitUse], now: Timestamp) -> Option<LimitUse> {
    let reached = standings.iter().filter(|s| s.used >= s.rate.limit);
    reached.max_by_key(|s| s.rate.per.end(now)).copied()
}

/// The failure of who has reached a limit.
pub(super) async fn refusal(
    ctx: &Context,
    tenant: TenantId,
    reached: Option<LimitUse>,
    now: Timestamp,
) -> Result<Error, Error> {
    let Some(standing) = reached else {
        return Ok(Error::internal("a charge was refused although no limit is reached"));
    };
    let LimitUse { meter, rate, is_noted, .. } = standing;
    let is_first =
        !is_noted && counters::note_reached(&ctx.db, tenant, (meter, rate), Once::Noted, now).await?;
    let code = if meter == Meter::ApiCalls { ErrorCode::RateLimited } else { ErrorCode::QuotaExceeded };
    let detail = format!("the plan allows {} {} per {}", rate.limit, meter.words(), rate.per.words());
    let limit = Limit { name: Some(standing.name()), is_first };
    let error = Error::new(code, detail).at_limit(limit);
    Ok(error.retry_after(rate.per.end(now).since(now)))
}
