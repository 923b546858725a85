//! Rows in one SQLite file, written in groups.
//!
//! What a stanza promises must be on disk before the stanza leaves: an acknowledgement before the
//! message it acknowledges, a ratchet step before the ciphertext it made. So stanzas wait in the
//! same queue as the rows they rest on, and the saver lets them go after the commit. While one
//! commit runs the next group gathers, which is all the batching there is. The process may be
//! killed at any moment; SQLite's WAL needs no fsync for that.

use std::{
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use rusqlite::Connection;
use tokio::{
    runtime::Handle,
    sync::{mpsc::UnboundedSender, oneshot},
};
use wacore_binary::Node;

use crate::whatsapp::error::SandboxError;

/// What a socket's writer is told.
#[derive(Debug)]
pub enum Outgoing {
    Node(Box<Node>),
    /// End the stream in good order, after what was sent before.
    Close,
    /// Cut the connection without a word.
    Cut,
}

/// Where a socket's writer listens.
pub type Outbox = UnboundedSender<Outgoing>;

/// Something to let out after the commit.
pub enum Output {
    Send(Outbox, Outgoing),
    SendLater(Duration, Outbox, Outgoing),
    /// Somebody waits to know that everything before is saved.
    Saved(oneshot::Sender<()>),
}

/// Row changes and what may leave once they are saved.
#[derive(Default)]
pub struct Batch {
    pub writes: Vec<(String, Option<Vec<u8>>)>,
    pub outputs: Vec<Output>,
}

impl Batch {
    fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.outputs.is_empty()
    }
}

#[derive(Default)]
struct Pending {
    batch: Batch,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    pending: Mutex<Pending>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        // A panic elsewhere leaves the queue whole: it is only ever appended to or taken.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All rows, in the order of their keys.
pub type Rows = Vec<(String, Vec<u8>)>;

/// Hands batches to the thread that writes them.
pub struct Saver {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Saver {
    /// Opens the file, reads every row, and starts the writing thread.
    pub fn open(file: &Path) -> Result<(Self, Rows), SandboxError> {
        let db = Connection::open(file)?;
        // Exclusive: two sandboxes on one folder would both step the same ratchets.
        db.execute_batch(
            "PRAGMA locking_mode = EXCLUSIVE;
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = NORMAL;
             CREATE TABLE IF NOT EXISTS rows (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;",
        )?;
        let rows = db
            .prepare("SELECT key, value FROM rows ORDER BY key")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let shared = Arc::new(Shared::default());
        let (for_thread, runtime) = (shared.clone(), Handle::current());
        let thread = std::thread::Builder::new()
            .name("sandbox-saver".into())
            .spawn(move || run(&for_thread, db, &runtime))?;
        Ok((Self { shared, thread: Mutex::new(Some(thread)) }, rows))
    }

    /// Queues a batch behind all earlier ones.
    pub fn submit(&self, batch: Batch) {
        if batch.is_empty() {
            return;
        }
        let mut pending = self.shared.lock();
        if pending.closed {
            // Nobody would write it; dropping it tells those who wait.
            return;
        }
        pending.batch.writes.extend(batch.writes);
        pending.batch.outputs.extend(batch.outputs);
        self.shared.changed.notify_one();
    }

    /// Writes what is queued and ends the thread, so that the file can be opened again.
    pub async fn close(&self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

impl Drop for Saver {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_one();
    }
}

fn run(shared: &Shared, mut db: Connection, runtime: &Handle) {
    loop {
        let (batch, closed) = {
            let mut pending = shared.lock();
            while pending.batch.is_empty() && !pending.closed {
                pending = shared.changed.wait(pending).unwrap_or_else(PoisonError::into_inner);
            }
            (std::mem::take(&mut pending.batch), pending.closed)
        };
        if batch.is_empty() && closed {
            return;
        }
        if let Err(error) = write(&mut db, &batch.writes) {
            // Nothing that rests on these rows may leave; clients see a server that fell silent.
            tracing::error!(%error, "the sandbox cannot save its state");
            continue;
        }
        for output in batch.outputs {
            release(output, runtime);
        }
    }
}

fn write(db: &mut Connection, writes: &[(String, Option<Vec<u8>>)]) -> rusqlite::Result<()> {
    if writes.is_empty() {
        return Ok(());
    }
    let transaction = db.transaction()?;
    {
        let mut put =
            transaction.prepare_cached("INSERT OR REPLACE INTO rows (key, value) VALUES (?1, ?2)")?;
        let mut delete = transaction.prepare_cached("DELETE FROM rows WHERE key = ?1")?;
        for (key, value) in writes {
            match value {
                Some(value) => put.execute((key, value))?,
                None => delete.execute((key,))?,
            };
        }
    }
    transaction.commit()
}

fn release(output: Output, runtime: &Handle) {
    // A closed receiver means that the client or the caller has gone, which is its own affair.
    match output {
        Output::Send(outbox, outgoing) => drop(outbox.send(outgoing)),
        Output::SendLater(delay, outbox, outgoing) => drop(runtime.spawn(async move {
            tokio::time::sleep(delay).await;
            let _ = outbox.send(outgoing);
        })),
        Output::Saved(waiter) => drop(waiter.send(())),
    }
}
