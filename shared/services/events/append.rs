//! Writing events to the log: each once, in the order of the queue.
//!
//! An entry of the queue may come again (the consumer died before it deleted it, or SQS sent it twice): it is
//! recognised by its block's id, which is in the row that it made. An event may be told again (the connector
//! died before WhatsApp knew that a message is stored): it then says since when it may be in the log, and is
//! looked for there.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    clock::Timestamp,
    domain::{
        event::{Event, EventType, NewEvent},
        ids::{BlockId, TenantId},
    },
    queue::payloads::EventsV1,
    services::{Context, Error},
    store::{
        events::{self, Appended, EventRow},
        tenants,
    },
};

/// How many of a log's last rows are looked at before anything is known of it.
const FIRST_LOOK: u16 = 8;

/// How many blocks are remembered of a tenant.
const REMEMBERED: usize = 64;

/// How many tenants are remembered; then all are forgotten, which costs each a reading.
const MOST_TENANTS: usize = 10_000;

/// For how long a tenant's plan is believed.
const PLAN_HOLDS: Duration = Duration::from_secs(60);

/// How far an event that may have been told before is looked for at most, in rows.
const LOOK_BACK: usize = 4_000;

/// Rows read at a time meanwhile.
const LOOK_PAGE: u16 = 100;

/// By how much the clocks of connector and consumer may differ.
const CLOCKS: Duration = Duration::from_secs(120);

/// Writes to the logs of all tenants. One per process is enough; several at once write in each other's turn.
pub struct EventLog {
    ctx: Context,
    ends: Mutex<HashMap<TenantId, End>>,
}

/// The end of a tenant's log, as far as this process knows it: should another have written since, then the next
/// row's number is taken, and it is read again.
#[derive(Debug, Clone)]
struct End {
    sequence: u64,
    /// When the last row was written, in unix milliseconds.
    at: i64,
    blocks: VecDeque<(BlockId, u64)>,
    /// How long rows are kept, as last known.
    keep: Duration,
    plan_known: Timestamp,
}

impl End {
    fn add(&mut self, row: &EventRow) {
        self.sequence = row.sequence;
        self.at = row.at;
        self.blocks.push_back((row.block, row.sequence));
        if self.blocks.len() > REMEMBERED {
            self.blocks.pop_front();
        }
    }

    fn row_of(&self, block: BlockId) -> Option<u64> {
        self.blocks.iter().rev().find(|(id, _)| *id == block).map(|(_, sequence)| *sequence)
    }

    /// The number of the next row. The first of a log derives from the time: also a log whose rows have all been
    /// dropped goes on with higher numbers than it ever had.
    fn next(&self, now: Timestamp) -> u64 {
        match self.sequence {
            0 => u64::try_from(now.unix_millis()).unwrap_or_default() << 10,
            last => last + 1,
        }
    }
}

/// What an event is recognised by.
type Key<'a> = (EventType, &'a str);

fn key(event: &NewEvent) -> Option<Key<'_>> {
    event.of.as_deref().map(|id| (event.kind, id))
}

impl EventLog {
    /// The logs of a deployment.
    pub fn new(ctx: Context) -> Self {
        Self { ctx, ends: Mutex::default() }
    }

    /// What it works with.
    pub fn ctx(&self) -> &Context {
        &self.ctx
    }

    /// Writes a block, unless the log has it; says what it is in the log, either way. Of a tenant that is gone
    /// nothing is written.
    pub async fn append(&self, block: EventsV1) -> Result<Vec<Event>, Error> {
        let tenant = block.account_id;
        // Nobody else works with what is known meanwhile.
        let known = self.lock().remove(&tenant);
        let Some(mut end) = self.end(tenant, known).await? else {
            tracing::info!(%tenant, count = block.events.len(), "events of a tenant that is gone are dropped");
            return Ok(Vec::new());
        };
        let written = self.write(&mut end, block).await?;
        let mut ends = self.lock();
        if ends.len() >= MOST_TENANTS {
            ends.clear();
        }
        ends.insert(tenant, end);
        drop(ends);
        if !written.is_empty() {
            self.ctx.tails.look(tenant);
        }
        Ok(written)
    }

    async fn write(&self, end: &mut End, block: EventsV1) -> Result<Vec<Event>, Error> {
        let tenant = block.account_id;
        let mut block = block;
        loop {
            let there = match end.row_of(block.block_id) {
                Some(sequence) => Some(sequence),
                None => self.look_back(end, &mut block).await?,
            };
            if let Some(sequence) = there {
                return self.events_of(tenant, sequence).await;
            }
            if block.events.is_empty() {
                return Ok(Vec::new());
            }
            let now = self.ctx.now();
            let place = (end.next(now), now.unix_millis().max(end.at));
            let row = EventRow::new(tenant, place, block.block_id, now + end.keep, block.events.clone());
            match events::append(&self.ctx.db, &row).await? {
                Appended::Done => {
                    end.add(&row);
                    return Ok(row.into_events());
                }
                Appended::Taken => self.catch_up(tenant, end).await?,
            }
        }
    }

    /// The end of a log with its tenant's plan; `None` when the tenant is gone.
    async fn end(&self, tenant: TenantId, known: Option<End>) -> Result<Option<End>, Error> {
        let now = self.ctx.now();
        if let Some(end) = &known
            && now.since(end.plan_known) < PLAN_HOLDS
        {
            return Ok(known);
        }
        let Some(row) = tenants::get(&self.ctx.db, tenant).await? else { return Ok(None) };
        let days = self.ctx.plans.get(&row.tenant.plan).event_days;
        let keep = Duration::from_secs(u64::from(days) * 86_400);
        let end = match known {
            Some(end) => End { keep, plan_known: now, ..end },
            None => {
                let blocks = VecDeque::new();
                let mut end = End { sequence: 0, at: 0, blocks, keep, plan_known: now };
                let last = events::up_to(&self.ctx.db, tenant, u64::MAX, FIRST_LOOK).await?;
                last.rows.iter().rev().for_each(|row| end.add(row));
                end
            }
        };
        Ok(Some(end))
    }

    /// Takes in what others wrote since.
    async fn catch_up(&self, tenant: TenantId, end: &mut End) -> Result<(), Error> {
        loop {
            let found = events::after(&self.ctx.db, tenant, end.sequence, LOOK_PAGE).await?;
            found.rows.iter().for_each(|row| end.add(row));
            if !found.more {
                return Ok(());
            }
        }
    }

    /// Looks for what may have been told before: the row of the whole block, or single events, which leave the
    /// block.
    async fn look_back(&self, end: &End, block: &mut EventsV1) -> Result<Option<u64>, Error> {
        let marked = block.events.iter().filter_map(|event| event.maybe_since);
        let Some(since) = marked.chain(block.maybe_since).min() else { return Ok(None) };
        let since = since.unix_millis() - i64::try_from(CLOCKS.as_millis()).unwrap_or_default();
        let (mut told, mut looked, mut number) = (HashSet::new(), 0, end.sequence);
        'back: while number > 0 && looked < LOOK_BACK {
            let found = events::up_to(&self.ctx.db, block.account_id, number, LOOK_PAGE).await?;
            for row in &found.rows {
                if row.block == block.block_id {
                    return Ok(Some(row.sequence));
                }
                if row.at < since {
                    break 'back;
                }
                let keys = row.events().filter_map(key);
                told.extend(keys.map(|(kind, id)| (kind, id.to_owned())));
                number = row.sequence - 1;
            }
            looked += found.rows.len();
            if !found.more {
                break;
            }
        }
        block.events.retain(|event| {
            let Some((kind, id)) = key(event) else { return true };
            told.insert((kind, id.to_owned())) || event.maybe_since.is_none()
        });
        Ok(None)
    }

    async fn events_of(&self, tenant: TenantId, sequence: u64) -> Result<Vec<Event>, Error> {
        let found = events::up_to(&self.ctx.db, tenant, sequence, 1).await?;
        let row = found.rows.into_iter().find(|row| row.sequence == sequence);
        Ok(row.map(EventRow::into_events).unwrap_or_default())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, End>> {
        // Nothing panics while holding this.
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
