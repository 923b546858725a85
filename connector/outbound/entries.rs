//! The queue entries that a shard has in hand. All requests to SQS are for many entries at a time: they are
//! extended together, and deleted or given back when ten have come together or none has come for a moment. The
//! last one in hand waits for none.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use shared::queue::{QueueError, QueueKind, Queues};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_util::sync::{CancellationToken, DropGuard};

/// How long a queue entry stays hidden after each extension.
const VISIBILITY: Duration = Duration::from_secs(60);

/// How often entries are extended: often enough that one failed try does no harm.
const EXTEND_INTERVAL: Duration = Duration::from_secs(20);

/// What SQS takes in one request.
const MAX_BATCH: usize = 10;

/// How long a request that is not full waits for company.
const LINGER: Duration = Duration::from_millis(10);

/// The queue entries of one shard that are in hand. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Entries {
    shared: Arc<Shared>,
    done: mpsc::UnboundedSender<Done>,
    _stop: Arc<DropGuard>,
}

struct Shared {
    queues: Queues,
    shard: u16,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    handles: HashMap<u64, String>,
    next: u64,
}

enum Done {
    Delete(String),
    GiveBack(String),
}

/// An entry in hand: extended until it is deleted, given back or dropped. A dropped one comes again when its
/// visibility ends.
pub(crate) struct Entry {
    key: u64,
    of: Entries,
}

/// Ends when every entry is deleted or given back and told so to SQS.
pub(crate) struct Settling(JoinHandle<()>);

impl Entries {
    /// Of a shard, with nothing in hand yet.
    pub fn start(queues: Queues, shard: u16) -> (Self, Settling) {
        let shared = Arc::new(Shared { queues, shard, held: Mutex::default() });
        let (done, finished) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        tokio::spawn(stop.clone().run_until_cancelled_owned(extend(shared.clone())));
        let settling = Settling(tokio::spawn(settle(shared.clone(), finished)));
        (Self { shared, done, _stop: Arc::new(stop.drop_guard()) }, settling)
    }

    /// Takes an entry in hand, by its newest receipt handle.
    pub fn hold(&self, handle: String) -> Entry {
        let mut held = self.shared.lock();
        held.next += 1;
        let key = held.next;
        held.handles.insert(key, handle);
        Entry { key, of: self.clone() }
    }

    /// How many are in hand.
    pub fn count(&self) -> usize {
        self.shared.lock().handles.len()
    }
}

impl Entry {
    /// Its message is done: it goes.
    pub fn delete(self) {
        self.end(Done::Delete);
    }

    /// It is left to whoever serves the shard next, and there again at once.
    pub fn give_back(self) {
        self.end(Done::GiveBack);
    }

    fn end(&self, how: impl FnOnce(String) -> Done) {
        let handle = self.of.shared.lock().handles.remove(&self.key);
        if let Some(handle) = handle {
            // Nobody listens only when the process ends; then it comes again.
            let _comes_again = self.of.done.send(how(handle));
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.of.shared.lock().handles.remove(&self.key);
    }
}

impl Settling {
    /// Waits until SQS knows of all; every [`Entries`] and [`Entry`] of the shard must be gone.
    pub async fn finish(self) {
        const SETTLE_TIMEOUT: Duration = Duration::from_secs(3);
        if tokio::time::timeout(SETTLE_TIMEOUT, self.0).await.is_err() {
            tracing::warn!("queue entries could not be given back in time; they come again by themselves");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Held> {
        // Nothing panics while holding this.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, what: &'static str, outcome: Result<(), QueueError>) {
        if let Err(error) = outcome {
            tracing::warn!(shard = self.shard, error = &error as &dyn std::error::Error, "{what}");
        }
    }
}

async fn extend(shared: Arc<Shared>) {
    loop {
        tokio::time::sleep(EXTEND_INTERVAL).await;
        let handles: Vec<String> = shared.lock().handles.values().cloned().collect();
        for batch in handles.chunks(MAX_BATCH) {
            let extended = shared.queues.extend(QueueKind::Sends, shared.shard, batch, VISIBILITY).await;
            shared.log("queue entries could not be held; they may come again", extended);
        }
    }
}

async fn settle(shared: Arc<Shared>, mut finished: mpsc::UnboundedReceiver<Done>) {
    let mut batch = Vec::with_capacity(MAX_BATCH);
    while finished.recv_many(&mut batch, MAX_BATCH).await > 0 {
        let full = async {
            while batch.len() < MAX_BATCH
                && (!finished.is_empty() || !shared.lock().handles.is_empty())
                && let Some(done) = finished.recv().await
            {
                batch.push(done);
            }
        };
        let _not_full = tokio::time::timeout(LINGER, full).await;
        let (mut deleted, mut given_back) = (Vec::new(), Vec::new());
        for done in batch.drain(..) {
            match done {
                Done::Delete(handle) => deleted.push(handle),
                Done::GiveBack(handle) => given_back.push(handle),
            }
        }
        if !deleted.is_empty() {
            let delete = || shared.queues.delete(QueueKind::Sends, shared.shard, &deleted);
            shared.log("queue entries could not be deleted; they will come again", insist(delete).await);
        }
        if !given_back.is_empty() {
            let give_back =
                || shared.queues.extend(QueueKind::Sends, shared.shard, &given_back, Duration::ZERO);
            shared.log("queue entries come back only when their time is up", insist(give_back).await);
        }
    }
}

/// Tries for as long as an entry would stay hidden otherwise: what is queued behind it waits for it.
async fn insist<F>(what: impl Fn() -> F) -> Result<(), QueueError>
where
    F: Future<Output = Result<(), QueueError>>,
{
    const RETRY_PAUSE: Duration = Duration::from_secs(1);
    let until = tokio::time::Instant::now() + VISIBILITY;
    loop {
        match what().await {
            Err(QueueError::Unavailable(_) | QueueError::Misconfigured(_))
                if tokio::time::Instant::now() < until =>
            {
                tokio::time::sleep(RETRY_PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
#[path = "entries_tests.rs"]
mod tests;
