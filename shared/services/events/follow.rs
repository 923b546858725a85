//! The log as it grows: what there is after an event, then what comes.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;

use super::{
    EventFilter,
    tails::{Place, Row},
};
use crate::{
    domain::{
        event::Event,
        ids::{EventId, TenantId},
    },
    services::{Context, Error, Pass, Scope},
    store::{
        StoreError,
        events::{self, EventRow},
    },
};

/// Rows read at a time.
const READ: u16 = 50;

/// How often a read that failed is tried again, a second apart.
const TRIES: u32 = 10;

/// Some events of a log, or that some are missing.
#[derive(Debug, Clone)]
pub enum Batch {
    /// Events, in the log's order; perhaps none that are wanted.
    Events(Vec<Arc<Event>>),
    /// What came after the event that was named is not known any more; the oldest that is kept comes next.
    Gap,
}

/// One who reads along. Ends when it falls behind, or may no longer read.
pub struct Follow {
    ctx: Context,
    tenant: TenantId,
    filter: EventFilter,
    /// What let it in.
    pass: Pass,
    place: Place,
    stage: Stage,
    /// The last row that was handed out.
    read: u64,
    /// Where to begin within the first row.
    begin: Option<EventId>,
}

enum Stage {
    /// It is not known yet whether the log has the event that was named.
    Finding,
    /// Reads what there is.
    CatchingUp,
    /// Gets what comes from a channel, once it has read what there was before that.
    Watching { from: u64, rows: mpsc::Receiver<Arc<Row>> },
}

/// Reads a tenant's log for as long as `pass` lets in: what follows `last`, or what is added from now on.
pub async fn follow(
    ctx: &Context,
    scope: &Scope,
    pass: Pass,
    last: Option<EventId>,
    filter: EventFilter,
) -> Result<Follow, Error> {
    let (tenant, filter) = (scope.tenant(), filter.within(scope));
    let place = ctx.tails.enter(tenant)?;
    let (stage, read) = match last {
        Some(id) => (Stage::Finding, id.sequence().saturating_sub(1)),
        None => (Stage::CatchingUp, events::last(&ctx.db, tenant).await?),
    };
    Ok(Follow { ctx: ctx.clone(), tenant, filter, pass, place, stage, read, begin: last })
}

impl Follow {
    /// What comes next; `None` at the end. May be given up and asked again at any time.
    pub async fn next(&mut self) -> Option<Batch> {
        let tails = self.ctx.tails.clone();
        tokio::select! {
            biased;
            () = tails.closed() => None,
            next = self.advance() => next,
        }
    }

    async fn advance(&mut self) -> Option<Batch> {
        loop {
            match &mut self.stage {
                Stage::Finding => {
                    let Some(last) = self.begin else {
                        self.stage = Stage::CatchingUp;
                        continue;
                    };
                    let found = patiently(self.tenant, || Box::pin(self.find(last))).await?;
                    self.stage = Stage::CatchingUp;
                    if !found {
                        (self.read, self.begin) = (0, None);
                        return Some(Batch::Gap);
                    }
                }
                Stage::CatchingUp => {
                    let found = self.read_on().await?;
                    if found.0.is_empty() && !found.1 {
                        let (from, rows) = self.place.watch(&self.ctx, self.read, self.pass.clone());
                        self.stage = Stage::Watching { from, rows };
                        continue;
                    }
                    return Some(self.take(found.0));
                }
                // It was read for the others after this one read: the channel brings only what follows.
                Stage::Watching { from, .. } if *from > self.read => {
                    let from = *from;
                    let mut found = self.read_on().await?;
                    found.0.retain(|row| row.sequence <= from);
                    if found.0.is_empty() {
                        self.read = from;
                        continue;
                    }
                    return Some(self.take(found.0));
                }
                Stage::Watching { rows, .. } => {
                    let mut events = Vec::new();
                    let mut next = Some(rows.recv().await?);
                    while let Some(row) = next {
                        if row.sequence > self.read {
                            self.read = row.sequence;
                            events
                                .extend(row.events.iter().filter(|event| self.filter.takes(event)).cloned());
                        }
                        next = rows.try_recv().ok();
                    }
                    return Some(Batch::Events(events));
                }
            }
        }
    }

    /// Whether the log still goes on from an event without a gap.
    async fn find(&self, last: EventId) -> Result<bool, StoreError> {
        let found = events::after(&self.ctx.db, self.tenant, self.read, 2).await?;
        let row = |number| found.rows.iter().find(|row| row.sequence == number);
        let (own, next) = (row(last.sequence()), row(last.sequence().saturating_add(1)));
        let now = self.ctx.now().unix_seconds();
        // Once the row itself is gone, the one after it must be there.
        let is_known = own.map_or(next.is_some(), |own| own.at == last.unix_millis());
        Ok(is_known && next.is_none_or(|next| next.ttl > now))
    }

    /// The next rows, and whether there may be more.
    async fn read_on(&mut self) -> Option<(Vec<EventRow>, bool)> {
        // Boxed: thousands of streams wait, and hardly one reads.
        let read = || Box::pin(events::after(&self.ctx.db, self.tenant, self.read, READ));
        let found = patiently(self.tenant, read).await?;
        Some((found.rows, found.more))
    }

    /// Hands out rows, without what is too old to be shown and what the first one has before the beginning.
    fn take(&mut self, rows: Vec<EventRow>) -> Batch {
        let now = self.ctx.now().unix_seconds();
        let mut events = Vec::new();
        for row in rows {
            self.read = row.sequence;
            if row.ttl <= now {
                continue;
            }
            let wanted =
                |event: &Event| self.begin.is_none_or(|begin| event.id > begin) && self.filter.takes(event);
            events.extend(row.into_events().into_iter().filter(wanted).map(Arc::new));
        }
        Batch::Events(events)
    }
}

/// Does something until it works; `None` when the store stays away.
async fn patiently<T, F>(tenant: TenantId, what: impl Fn() -> F) -> Option<T>
where
    F: Future<Output = Result<T, StoreError>>,
{
    for _ in 0..TRIES {
        match what().await {
            Ok(found) => return Some(found),
            Err(error) => log(tenant, &error),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    None
}

fn log(tenant: TenantId, error: &StoreError) {
    let error = error as &dyn std::error::Error;
    tracing::warn!(%tenant, error, "a log cannot be read yet");
}
