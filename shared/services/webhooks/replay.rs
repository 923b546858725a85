//! Delivering a range of the event log again.

use super::{
    OwnWebhook,
    queue::{enqueue, first_try},
    require_active,
};
use crate::{
    clock::Timestamp,
    domain::{
        ids::{DeliveryId, EventId, TenantId, WebhookId},
        webhook::Trigger,
    },
    services::{Caller, Context, Error, Invalid},
    store::events,
};

/// How many deliveries one request queues at most, beyond those of the row of the log that it is at.
const MOST_QUEUED: usize = 1_000;

/// How many rows of the log one request looks at, at most.
const MOST_ROWS: usize = 2_000;

/// Rows read at a time.
const READ: u16 = 50;

/// Which events.
#[derive(Debug, Clone, Copy)]
pub struct ReplayRange {
    /// Logged at this moment or later.
    pub since: Timestamp,
    /// Logged before this moment; up to now when not given.
    pub until: Option<Timestamp>,
    /// After this one: where an earlier request stopped.
    pub after: Option<EventId>,
}

/// What a replay did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replayed {
    /// How many deliveries are queued.
    pub queued: usize,
    /// The event after which another request has to go on; nothing when the range is done.
    pub stopped_after: Option<EventId>,
}

/// Queues those events of a range that one of the caller's webhooks wants, as deliveries of their own.
pub async fn replay(
    ctx: &Context,
    caller: &Caller,
    id: WebhookId,
    range: ReplayRange,
) -> Result<Replayed, Error> {
    let tenant = caller.tenant();
    let webhook = super::get(ctx, caller, id).await?;
    let now = ctx.now();
    let until = range.until.unwrap_or(now);
    let mut invalid = Invalid::default();
    invalid.unless(range.since < until, "since", "out_of_range", "must be before `until`, and in the past");
    invalid.check()?;
    require_active(&webhook)?;

    let mut number = match range.after {
        Some(after) => after.sequence().saturating_sub(1),
        None => before(ctx, tenant, range.since).await?,
    };
    let (mut queued, mut looked) = (0, 0);
    loop {
        let found = events::after(&ctx.db, tenant, number, READ).await?;
        for row in found.rows {
            if row.at >= until.unix_millis() {
                return Ok(Replayed { queued, stopped_after: None });
            }
            number = row.sequence;
            looked += 1;
            let last = EventId::at(row.at, row.sequence, u16::MAX);
            if row.at >= range.since.unix_millis() {
                let events = row.into_events().into_iter();
                let wanted = events
                    .filter(|event| range.after.is_none_or(|after| event.id > after))
                    .filter(|event| wants(&webhook, event));
                let deliveries: Vec<_> = wanted
                    .map(|event| {
                        let delivery = DeliveryId::generate(now);
                        first_try((tenant, id), delivery, Trigger::Replay, event, now)
                    })
                    .collect();
                queued += deliveries.len();
                enqueue(ctx, deliveries).await?;
            }
            if queued >= MOST_QUEUED || looked >= MOST_ROWS {
                return Ok(Replayed { queued, stopped_after: Some(last) });
            }
        }
        if !found.more {
            return Ok(Replayed { queued, stopped_after: None });
        }
    }
}

fn wants(webhook: &OwnWebhook, event: &crate::domain::event::Event) -> bool {
    webhook.webhook.wants(event.kind, event.device_id)
}

/// The number of the last row that was written before a moment. Rows are numbered in the order of their time, so
/// halving the log finds it.
async fn before(ctx: &Context, tenant: TenantId, moment: Timestamp) -> Result<u64, Error> {
    let moment = moment.unix_millis();
    let next = async |number| {
        let found = events::after(&ctx.db, tenant, number, 1).await?;
        Ok::<_, Error>(found.rows.into_iter().next().map(|row| (row.sequence, row.at)))
    };
    let Some((first, at)) = next(0).await? else { return Ok(0) };
    if at >= moment {
        return Ok(first - 1);
    }
    // `low` was written before, `high` was not.
    let (mut low, mut high) = (first, events::last(&ctx.db, tenant).await?.saturating_add(1));
    while high > low + 1 {
        let middle = low + (high - low) / 2;
        match next(middle - 1).await? {
            Some((sequence, at)) if at < moment => low = sequence,
            _ => high = middle,
        }
    }
    Ok(low)
}
