//! The log as a list.

use super::EventFilter;
use crate::{
    clock::Timestamp,
    cursor::LastKey,
    domain::{event::Event, ids::EventId},
    services::{Context, Error, Listing, PageRequest, Scope},
    store::{MOST_BYTES, Page, events},
};

/// Rows read at a time.
const READ: u16 = 50;

/// How many rows are read for one page at most, unless [`MOST_BYTES`] are read before: where nearly nothing is wanted, a page may hold less than it could
/// while there is more.
const MOST_ROWS: usize = 1_000;

/// A tenant's events, newest first, as far back as they are kept; those logged at `since` or later.
pub async fn history(
    ctx: &Context,
    scope: &Scope,
    filter: EventFilter,
    since: Option<Timestamp>,
    page: PageRequest,
) -> Result<Listing<Event>, Error> {
    let (tenant, filter) = (scope.tenant(), filter.within(scope));
    let query = format!("events?{filter:?}&since={since:?}");
    let (limit, from) = page.read(ctx, tenant, &query)?;
    let before: Option<EventId> = from.and_then(|key| key.get("before")?.parse().ok());
    let (now, since) = (ctx.now().unix_seconds(), since.map_or(0, Timestamp::unix_millis));
    let mut items: Vec<Event> = Vec::new();
    let mut number = before.map_or(u64::MAX, EventId::sequence);
    let (mut looked, mut bytes, mut reached) = (0, 0, None);
    let next = 'read: loop {
        let found = events::up_to(&ctx.db, tenant, number, READ).await?;
        looked += found.rows.len();
        bytes += found.bytes;
        for row in found.rows {
            if row.at < since || row.ttl <= now {
                break 'read None;
            }
            let first = EventId::at(row.at, row.sequence, 0);
            (number, reached) = (row.sequence, Some(first));
            for event in row.into_events().into_iter().rev() {
                if before.is_some_and(|before| event.id >= before) || !filter.takes(&event) {
                    continue;
                }
                if items.len() == usize::from(limit) {
                    break 'read items.last().map(|event| event.id);
                }
                items.push(event);
            }
        }
        if !found.more || number == 0 {
            break None;
        }
        if looked >= MOST_ROWS || bytes >= MOST_BYTES {
            break reached;
        }
        number -= 1;
    };
    let next = next.map(|id| LastKey::from([("before".into(), id.to_string())]));
    Ok(Listing::of(ctx, tenant, &query, Page { items, next }))
}
