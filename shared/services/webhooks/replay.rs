//! Delivering a range of the event log again.

use std::time::Duration;

use super::{
    OwnWebhook, meter,
    queue::{enqueue, first_try},
    require_active,
};
use crate::{
    clock::Timestamp,
    domain::{
        event::Event,
        ids::{DeliveryId, EventId, TenantId, WebhookId},
        webhook::Trigger,
    },
    queue::payloads::DeliveryV1,
    services::{Context, Error, ErrorCode, Invalid, Scope, allowance::refusal},
    store::{events, replays},
};

/// How many deliveries one request queues at most, beyond those of the row of the log that it is at.
const MOST_QUEUED: usize = 1_000;

/// How many rows of the log one request looks at, at most.
const MOST_ROWS: usize = 2_000;

/// Rows read at a time.
const READ: u16 = 50;

/// How long one request may take. When it ends without a word, another replay may begin after that.
const MAX_DURATION: Duration = Duration::from_secs(30);

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

/// Queues those events of a range that one of the caller's webhooks wants, as deliveries of their own. Each counts as
/// one of the plan's deliveries; where there is no room for more, the replay stops. A tenant has one replay under way.
pub async fn replay(
    ctx: &Context,
    scope: &Scope,
    id: WebhookId,
    range: ReplayRange,
) -> Result<Replayed, Error> {
    let tenant = scope.tenant();
    let webhook = super::get(ctx, scope, id).await?;
    let now = ctx.now();
    let until = range.until.unwrap_or(now);
    let mut invalid = Invalid::default();
    invalid.unless(range.since < until, "since", "out_of_range", "must be before `until`, and in the past");
    invalid.check()?;
    require_active(&webhook)?;
    let takes_until = now + MAX_DURATION;
    if !replays::begin(&ctx.db, tenant, takes_until, now).await? {
        let detail = "another replay of this account is under way; try again when it has been answered";
        return Err(Error::new(ErrorCode::ReplayUnderWay, detail).retry_after(Duration::from_secs(1)));
    }
    let done = queue_range(ctx, scope, &webhook, range, until).await;
    replays::end(&ctx.db, tenant, takes_until).await?;
    done
}

async fn queue_range(
    ctx: &Context,
    scope: &Scope,
    webhook: &OwnWebhook,
    range: ReplayRange,
    until: Timestamp,
) -> Result<Replayed, Error> {
    let tenant = scope.tenant();
    let mut number = match range.after {
        Some(after) => after.sequence().saturating_sub(1),
        None => before(ctx, tenant, range.since).await?,
    };
    let is_wanted = |event: &Event| {
        range.after.is_none_or(|after| event.id > after) && webhook.webhook.wants(event.kind, event.device_id)
    };
    let (mut queued, mut looked, mut last_queued) = (0, 0, range.after);
    loop {
        let found = events::after(&ctx.db, tenant, number, READ).await?;
        let (mut wanted, mut is_done, mut stopped_after) = (Vec::new(), !found.more, None);
        for row in found.rows {
            if row.at >= until.unix_millis() {
                is_done = true;
                break;
            }
            number = row.sequence;
            looked += 1;
            let end_of_row = EventId::at(row.at, row.sequence, u16::MAX);
            if row.at >= range.since.unix_millis() {
                wanted.extend(row.into_events().into_iter().filter(is_wanted));
            }
            if queued + wanted.len() >= MOST_QUEUED || looked >= MOST_ROWS {
                stopped_after = Some(end_of_row);
                break;
            }
        }
        let (room, limit) = meter::count_many(ctx, tenant, scope.allowance.rates(), wanted.len()).await?;
        if limit.is_some() && queued + room == 0 {
            return Err(refusal(ctx, tenant, limit, ctx.now()).await?);
        }
        wanted.truncate(room);
        queued += room;
        last_queued = wanted.last().map(|event| event.id).or(last_queued);
        enqueue(ctx, deliveries_of(webhook, wanted, ctx.now())).await?;
        if limit.is_some() {
            return Ok(Replayed { queued, stopped_after: last_queued });
        }
        if is_done || stopped_after.is_some() {
            return Ok(Replayed { queued, stopped_after });
        }
    }
}

fn deliveries_of(webhook: &OwnWebhook, events: Vec<Event>, now: Timestamp) -> Vec<DeliveryV1> {
    let first = |event| first_try(&webhook.webhook, DeliveryId::generate(now), Trigger::Replay, event, now);
    events.into_iter().map(first).collect()
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
