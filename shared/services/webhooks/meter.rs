//! The plan's limit of deliveries. Each try counts, and a replay when it is queued. What is over the limit waits for
//! the next span, and its owner is told once in a span.

use serde_json::json;

use crate::{
    clock::Timestamp,
    domain::{
        event::{EventType, NewEvent},
        ids::TenantId,
        plan::{Meter, Rate},
        webhook::Trigger,
    },
    queue::payloads::DeliveryV1,
    services::{Context, Error, allowance::reached},
    store::counters::{self, Charged, LimitUse, Once},
};

/// Counts a try of a delivery against its tenant's rates, unless a limit is reached: then when that is over.
pub(super) async fn count(
    ctx: &Context,
    rates: &[(Meter, Rate)],
    delivery: &DeliveryV1,
) -> Result<Option<Timestamp>, Error> {
    let (tenant, limits) = (delivery.account_id, limits(rates));
    let is_counted = delivery.trigger == Trigger::Replay && delivery.attempt == 1;
    if is_counted || limits.is_empty() {
        return Ok(None);
    }
    let now = ctx.now();
    let standings = match ctx.charges.charge(&ctx.db, tenant, limits, now).await? {
        Charged::Done(_) => return Ok(None),
        Charged::Refused(standings) => standings,
    };
    let Some(standing) = reached(&standings, now) else { return Ok(None) };
    tell(ctx, tenant, standing, now).await?;
    Ok(Some(standing.rate.per.end(now)))
}

/// Counts as many of `wanted` deliveries as there is room for: how many, and the limit that is reached when that is
/// not all.
pub(super) async fn count_many(
    ctx: &Context,
    tenant: TenantId,
    rates: &[(Meter, Rate)],
    wanted: usize,
) -> Result<(usize, Option<LimitUse>), Error> {
    let (limits, now) = (limits(rates), ctx.now());
    let (mut count, mut full) = (wanted, None);
    while count > 0 && !limits.is_empty() {
        let number = u32::try_from(count).unwrap_or(u32::MAX);
        match counters::charge(&ctx.db, tenant, &limits, number, now).await? {
            Charged::Done(_) => break,
            Charged::Refused(standings) => {
                let room = standings.iter().map(|s| s.rate.limit.saturating_sub(s.used)).min();
                let room = usize::try_from(room.unwrap_or_default()).unwrap_or(usize::MAX);
                // Others count, too: what there was room for may be gone.
                count = room.min(count - 1);
                full = standings.into_iter().min_by_key(|s| s.rate.limit.saturating_sub(s.used));
            }
        }
    }
    Ok((count, full))
}

fn limits(rates: &[(Meter, Rate)]) -> Vec<(Meter, Rate)> {
    rates.iter().filter(|(meter, _)| *meter == Meter::Deliveries).copied().collect()
}

/// Tells the owner that a limit is reached, once in its span.
async fn tell(ctx: &Context, tenant: TenantId, standing: LimitUse, now: Timestamp) -> Result<(), Error> {
    let LimitUse { meter, rate, is_told, .. } = standing;
    if is_told || !counters::note_reached(&ctx.db, tenant, (meter, rate), Once::Told, now).await? {
        return Ok(());
    }
    let name = standing.name();
    tracing::info!(%tenant, limit = name, "deliveries to webhooks wait: the plan's limit is reached");
    let event = NewEvent {
        kind: EventType::WebhookThrottled,
        timestamp: now,
        device_id: None,
        data: json!({"limit": name, "allowed": rate.limit, "resetsAt": rate.per.end(now)}),
        of: None,
        maybe_since: None,
    };
    ctx.emitter.emit(tenant, [event]).await;
    Ok(())
}
