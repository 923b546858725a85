//! One stream of writes for all devices of a process.
//!
//! Whoever changes a row waits for it to be durable, and meanwhile others' changes pile up: they go
//! out together, 25 rows of any devices in a BatchWriteItem. A later change of a row that still waits
//! takes the place of the earlier one, and both are done when it is written.
//!
//! What is durable of a device is always what it was at some moment: its rows are never in two requests at a time,
//! and go out in the order of their latest changes. A message that has arrived is written before anything that comes
//! after it, and not beside that, as DynamoDB may take a part of a request: a session that has gone past a message
//! that is nowhere could not open it when it is delivered again.
//!
//! Nothing is written under a lease that has ended: a row of its device may be another connector's by then.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    future::poll_fn,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use shared::{
    domain::ids::{DeviceId, TenantId},
    store::session_keys::{MAX_BATCH, SessionKeyWrite},
};
use thiserror::Error;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    key_rows::{KeyRows, KeyRowsError},
    rows::kind,
};
use crate::ownership::Lease;

/// A change of one row, sealed.
pub(super) struct RowWrite {
    pub write: SessionKeyWrite,
    /// The right under which the writer serves the device. When it is over, the write is dropped.
    pub lease: Lease,
}

impl RowWrite {
    /// Whether it must be durable before what comes after it.
    fn goes_first(&self) -> bool {
        self.write.name.starts_with(kind::PENDING)
    }

    /// A row's size is that of its keys, attribute names and content.
    fn write_units(&self) -> u64 {
        let keys = "pk".len() + "sk".len() + "data".len() + 2 * 30 + 1 + self.write.name.len();
        let content = self.write.data.as_ref().map_or(0, Vec::len);
        (keys + content).div_ceil(1024) as u64
    }
}

/// The rows were not written, or nobody knows.
#[derive(Debug, Clone, Error)]
pub enum CommitError {
    /// DynamoDB refused, or was out of reach for too long.
    #[error("the session keys could not be written: {0}")]
    NotWritten(Arc<str>),
    /// The right to serve the device has ended.
    #[error("the shard's lease is over; another connector may hold the device")]
    Fenced,
    /// The store was closed, or another took its place.
    #[error("the session keys of this device are closed")]
    Closed,
}

/// How the group commit behaves.
#[derive(Debug, Clone)]
pub struct CommitSettings {
    /// Requests to DynamoDB at a time.
    pub writers: usize,
    /// How long a request that is not full waits for company.
    pub linger: Duration,
    /// Changes that may wait at a time; who comes later waits to get in.
    pub max_waiting: usize,
    /// How often a request is tried before those who wait are told that it failed.
    pub attempts: u32,
    /// The pause after the first failed try; it doubles from try to try, up to two seconds.
    pub first_pause: Duration,
}

impl Default for CommitSettings {
    fn default() -> Self {
        Self {
            writers: 8,
            linger: Duration::from_millis(2),
            max_waiting: 4096,
            attempts: 12,
            first_pause: Duration::from_millis(25),
        }
    }
}

/// What the group commit has cost so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CommitCost {
    /// Requests to DynamoDB, also those that failed.
    pub requests: u64,
    /// Rows written or deleted.
    pub rows: u64,
    /// DynamoDB's write units for these: 1 KB each, rounded up for every row.
    pub write_units: u64,
}

const MAX_PAUSE: Duration = Duration::from_secs(2);

/// The group commit of a process. When the last clone is gone, what waits is still written.
#[derive(Clone)]
pub(super) struct GroupCommit {
    shared: Arc<Shared>,
    _stop: Arc<DropGuard>,
}

/// The right to hand in one change, see [`GroupCommit::reserve`].
pub(super) struct Slot<'a> {
    commit: &'a GroupCommit,
    permit: OwnedSemaphorePermit,
}

/// Resolves when a change is durable or will never be.
pub(super) struct Receipt(oneshot::Receiver<Result<(), CommitError>>);

struct Shared {
    rows: Arc<dyn KeyRows>,
    settings: CommitSettings,
    queue: Mutex<Queue>,
    slots: Arc<Semaphore>,
    work: Notify,
    stop: CancellationToken,
    requests: AtomicU64,
    rows_written: AtomicU64,
    write_units: AtomicU64,
}

type RowId = (TenantId, DeviceId, Arc<str>);

#[derive(Default)]
struct Queue {
    waiting: HashMap<RowId, Change>,
    order: VecDeque<(u64, RowId)>,
    /// Devices of which a request is under way.
    in_flight: HashSet<DeviceId>,
    /// How many changes there have been.
    changes: u64,
}

struct Change {
    /// Which of all changes it is. Earlier places of its row in the order are void.
    number: u64,
    row: RowWrite,
    tickets: Vec<Arc<Ticket>>,
}

/// One handed-in change: as many rows as it still waits for, and who to tell.
struct Ticket {
    state: Mutex<TicketState>,
    _permit: OwnedSemaphorePermit,
}

struct TicketState {
    rows_left: usize,
    /// Who waits, until it is told.
    waiter: Option<oneshot::Sender<Result<(), CommitError>>>,
}

impl GroupCommit {
    /// Starts the writers on the current Tokio runtime.
    pub(super) fn start(rows: Arc<dyn KeyRows>, settings: CommitSettings) -> Self {
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            rows,
            slots: Arc::new(Semaphore::new(settings.max_waiting)),
            queue: Mutex::default(),
            work: Notify::new(),
            stop: stop.clone(),
            settings,
            requests: AtomicU64::new(0),
            rows_written: AtomicU64::new(0),
            write_units: AtomicU64::new(0),
        });
        for _ in 0..shared.settings.writers {
            tokio::spawn(writer(shared.clone()));
        }
        Self { shared, _stop: Arc::new(stop.drop_guard()) }
    }

    /// Waits for room. To be done before the change is made in memory, so that the change and its
    /// handing in are one step and changes of a row go out in their order.
    pub(super) async fn reserve(&self) -> Slot<'_> {
        let permit = self.shared.slots.clone().acquire_owned().await;
        Slot { commit: self, permit: permit.expect("the semaphore is never closed") }
    }

    /// What was written so far.
    pub(super) fn cost(&self) -> CommitCost {
        CommitCost {
            requests: self.shared.requests.load(Ordering::Relaxed),
            rows: self.shared.rows_written.load(Ordering::Relaxed),
            write_units: self.shared.write_units.load(Ordering::Relaxed),
        }
    }

    /// Waits until nothing of a device is on its way, as it must be before its rows are listed.
    pub(super) async fn quiet(&self, device: DeviceId) {
        const POLL_INTERVAL: Duration = Duration::from_millis(10);
        while lock(&self.shared.queue).has(device) {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

impl Slot<'_> {
    /// Hands in a change of any number of rows.
    pub(super) fn submit(self, rows: Vec<RowWrite>) -> Receipt {
        let (sender, receiver) = oneshot::channel();
        if rows.is_empty() {
            let _nobody_waits = sender.send(Ok(()));
            return Receipt(receiver);
        }
        let state = Mutex::new(TicketState { rows_left: rows.len(), waiter: Some(sender) });
        let ticket = Arc::new(Ticket { state, _permit: self.permit });
        let shared = &self.commit.shared;
        let mut queue = lock(&shared.queue);
        for row in rows {
            let id = (row.write.tenant, row.write.device, Arc::from(row.write.name.as_str()));
            queue.put(id, row, &ticket);
        }
        drop(queue);
        shared.work.notify_one();
        Receipt(receiver)
    }
}

impl Receipt {
    /// Waits until the change is durable.
    pub(super) async fn durable(self) -> Result<(), CommitError> {
        self.0.await.unwrap_or(Err(CommitError::NotWritten("the writers were stopped".into())))
    }
}

impl Ticket {
    fn row_done(&self, result: &Result<(), CommitError>) {
        let mut state = lock(&self.state);
        state.rows_left = state.rows_left.saturating_sub(1);
        if (result.is_err() || state.rows_left == 0)
            && let Some(waiter) = state.waiter.take()
        {
            let _nobody_waits = waiter.send(result.clone());
        }
    }
}

impl Queue {
    fn has(&self, device: DeviceId) -> bool {
        self.in_flight.contains(&device) || self.waiting.keys().any(|(_, owner, _)| *owner == device)
    }

    /// Puts a change behind all others, in place of an earlier one of the same row.
    fn put(&mut self, id: RowId, row: RowWrite, ticket: &Arc<Ticket>) {
        self.changes += 1;
        let number = self.changes;
        let mut tickets = self.waiting.remove(&id).map(|earlier| earlier.tickets).unwrap_or_default();
        tickets.push(ticket.clone());
        self.order.push_back((number, id.clone()));
        self.waiting.insert(id, Change { number, row, tickets });
    }

    /// The oldest waiting changes of devices of which nothing is being written.
    fn take(&mut self, most: usize) -> Vec<(RowId, Change)> {
        let (mut batch, mut left) = (Vec::new(), Vec::new());
        // Of these devices only what must go first is taken.
        let mut closed = HashSet::new();
        while batch.len() < most
            && let Some((number, id)) = self.order.pop_front()
        {
            let Some(change) = self.waiting.get(&id).filter(|change| change.number == number) else {
                continue;
            };
            let (device, goes_first) = (id.1, change.row.goes_first());
            if self.in_flight.contains(&device) || (closed.contains(&device) && !goes_first) {
                // What comes behind it must not overtake it.
                closed.insert(device);
                left.push((number, id));
                continue;
            }
            if goes_first {
                closed.insert(device);
            }
            batch.extend(self.waiting.remove(&id).map(|change| (id, change)));
        }
        for entry in left.into_iter().rev() {
            self.order.push_front(entry);
        }
        self.in_flight.extend(batch.iter().map(|((_, device, _), _)| *device));
        batch
    }
}

async fn writer(shared: Arc<Shared>) {
    loop {
        let batch = lock(&shared.queue).take(MAX_BATCH);
        if batch.is_empty() {
            if shared.stop.is_cancelled() {
                return;
            }
            tokio::select! {
                () = shared.work.notified() => {
                    // A moment for others to join, unless a full request waits already.
                    if lock(&shared.queue).order.len() < MAX_BATCH {
                        tokio::time::sleep(shared.settings.linger).await;
                    }
                }
                () = shared.stop.cancelled() => {}
            }
            continue;
        }
        // Another writer may have left rows behind, or ours may free rows for it.
        shared.work.notify_one();
        shared.write(batch).await;
    }
}

impl Shared {
    /// Writes a batch, however often that takes, and tells who waits.
    async fn write(&self, batch: Vec<(RowId, Change)>) {
        let devices: HashSet<DeviceId> = batch.iter().map(|((_, device, _), _)| *device).collect();
        // One row that DynamoDB will never take must not fail the others.
        for change in self.write_together(batch).await {
            self.write_together(vec![change]).await;
        }
        lock(&self.queue).in_flight.retain(|device| !devices.contains(device));
        self.work.notify_one();
    }

    /// Answers the changes to be tried one by one, as some of them was refused; all others are settled.
    async fn write_together(&self, mut batch: Vec<(RowId, Change)>) -> Vec<(RowId, Change)> {
        for attempt in 1.. {
            batch = self.drop_fenced(batch);
            if batch.is_empty() {
                break;
            }
            self.requests.fetch_add(1, Ordering::Relaxed);
            let error = match self.write_while_held(&batch).await {
                Ok(left) => {
                    let left: HashSet<_> = left.into_iter().collect();
                    let (again, done): (Vec<_>, Vec<_>) =
                        batch.into_iter().enumerate().partition(|(place, _)| left.contains(place));
                    for (_, (_, change)) in &done {
                        let SessionKeyWrite { device, name, data, .. } = &change.row.write;
                        let (units, bytes) = (change.row.write_units(), data.as_ref().map_or(0, Vec::len));
                        tracing::trace!(%device, row = name, units, bytes, "session key row written");
                    }
                    let units = done.iter().map(|(_, (_, change))| change.row.write_units()).sum();
                    self.rows_written.fetch_add(done.len() as u64, Ordering::Relaxed);
                    self.write_units.fetch_add(units, Ordering::Relaxed);
                    self.settle(done.into_iter().map(|(_, change)| change).collect(), &Ok(()));
                    batch = again.into_iter().map(|(_, change)| change).collect();
                    if batch.is_empty() {
                        break;
                    }
                    KeyRowsError::passing("DynamoDB leaves rows unprocessed")
                }
                Err(error) => error,
            };
            if !error.passing && batch.len() > 1 {
                return batch;
            }
            if !error.passing || attempt >= self.settings.attempts {
                tracing::error!(rows = batch.len(), attempt, %error, "session keys not written");
                self.settle(batch, &Err(CommitError::NotWritten(error.to_string().into())));
                break;
            }
            tracing::warn!(rows = batch.len(), attempt, %error, "session keys not written yet");
            tokio::time::sleep(self.pause(attempt)).await;
        }
        Vec::new()
    }

    /// Writes, and lets go of the request when a lease ends meanwhile: the client may be about to send it
    /// again, perhaps after this process has been stopped for a while.
    async fn write_while_held(&self, batch: &[(RowId, Change)]) -> Result<Vec<usize>, KeyRowsError> {
        const LEASE_CHECK_INTERVAL: Duration = Duration::from_millis(100);
        let writes: Vec<_> = batch.iter().map(|(_, change)| change.row.write.clone()).collect();
        let mut look = tokio::time::interval(LEASE_CHECK_INTERVAL);
        let mut write = self.rows.write(&writes);
        poll_fn(|context| {
            while look.poll_tick(context).is_ready() {}
            if batch.iter().all(|(_, change)| change.row.lease.holds()) {
                write.as_mut().poll(context)
            } else {
                Poll::Ready(Err(KeyRowsError::passing("a lease ended")))
            }
        })
        .await
    }

    /// Answers the changes whose writers still have the right to make them; the others are settled.
    fn drop_fenced(&self, batch: Vec<(RowId, Change)>) -> Vec<(RowId, Change)> {
        let (held, over): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(|(_, change)| change.row.lease.holds());
        if !over.is_empty() {
            tracing::warn!(rows = over.len(), "session keys not written: the lease is over");
            self.settle(over, &Err(CommitError::Fenced));
        }
        held
    }

    fn settle(&self, changes: Vec<(RowId, Change)>, result: &Result<(), CommitError>) {
        for (_, change) in changes {
            change.tickets.iter().for_each(|ticket| ticket.row_done(result));
        }
    }

    /// Doubles from try to try, minus up to half at random, so that writers do not try in step.
    fn pause(&self, attempt: u32) -> Duration {
        let full = self.settings.first_pause.saturating_mul(1 << (attempt - 1).min(10)).min(MAX_PAUSE);
        full.mul_f64(rand::random_range(0.5..=1.0))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while holding these locks in a way that leaves half a change.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "group_commit_tests.rs"]
mod tests;
