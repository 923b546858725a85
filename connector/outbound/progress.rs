//! What becomes of messages, written down.
//!
//! While much goes on, the server's ack waits a moment for the recipient's receipt, so that both are one write.
//! When little does, nothing waits. An ack that is lost in a crash meanwhile does no harm: the message is sent
//! again under the same WhatsApp id.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use shared::{
    domain::{
        ids::{DeviceId, TenantId},
        message::MessageStatus,
    },
    services::{Category, Context, messages},
    store::messages::Step,
};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

/// How long the server's ack waits for a receipt.
const LINGER: Duration = Duration::from_millis(400);

/// From so many steps a second on, it does.
const BUSY: u32 = 10;

/// Writes at a time.
const WRITERS: usize = 16;

/// Messages that may wait; who comes later waits to get in.
const ROOM: usize = 4096;

/// How long a write that failed waits for its next try.
const AGAIN: Duration = Duration::from_secs(1);

/// Writes down what becomes of the messages of all devices of a process. Cheap to clone; what waits when the
/// last clone is gone is lost, so [`Progress::flush`] first.
#[derive(Clone)]
pub(crate) struct Progress(Arc<Inner>);

struct Inner {
    ctx: Context,
    state: Mutex<State>,
    room: Arc<Semaphore>,
    work: Notify,
}

/// A message, by its device and the id that WhatsApp knows it by.
type Key = (DeviceId, String);

#[derive(Default)]
struct State {
    waiting: HashMap<Key, Waiting>,
    /// In the order in which they are due.
    now: VecDeque<Key>,
    later: VecDeque<(Instant, Key)>,
    being_written: HashSet<Key>,
    rate: Rate,
}

struct Waiting {
    tenant: TenantId,
    step: Step,
    _room: OwnedSemaphorePermit,
}

/// How many steps a second there are.
struct Rate {
    second: Instant,
    count: u32,
    before: u32,
}

impl Default for Rate {
    fn default() -> Self {
        Self { second: Instant::now(), count: 0, before: 0 }
    }
}

impl Rate {
    /// Counts a step, and says whether there are many.
    fn count(&mut self) -> bool {
        let past = self.second.elapsed().as_secs();
        if past >= 1 {
            self.before = if past == 1 { self.count } else { 0 };
            self.count = 0;
            self.second = Instant::now();
        }
        self.count += 1;
        self.count.max(self.before) > BUSY
    }
}

impl Progress {
    /// Starts the writers on the current Tokio runtime.
    pub fn start(ctx: Context) -> Self {
        let inner = Arc::new(Inner {
            ctx,
            state: Mutex::default(),
            room: Arc::new(Semaphore::new(ROOM)),
            work: Notify::new(),
        });
        for _ in 0..WRITERS {
            tokio::spawn(write(Arc::downgrade(&inner)));
        }
        Self(inner)
    }

    /// Has a step written down, soon. Waits only when too many do already.
    pub async fn note(&self, tenant: TenantId, device: DeviceId, wa_message_id: &str, step: Step) {
        let permit = self.0.room.clone().acquire_owned().await.expect("the semaphore is never closed");
        self.0.lock().add((device, wa_message_id.to_owned()), tenant, step, permit);
        self.0.work.notify_one();
    }

    /// Writes what waits of a device, or of all, and returns when it is written.
    pub async fn flush(&self, device: Option<DeviceId>) {
        const LOOK_AGAIN: Duration = Duration::from_millis(5);
        let of = |key: &Key| device.is_none_or(|device| key.0 == device);
        loop {
            {
                let mut state = self.0.lock();
                if !state.waiting.keys().chain(&state.being_written).any(of) {
                    return;
                }
                let later = std::mem::take(&mut state.later);
                let (hurried, later): (VecDeque<_>, VecDeque<_>) =
                    later.into_iter().partition(|(_, key)| of(key));
                state.later = later;
                state.now.extend(hurried.into_iter().map(|(_, key)| key));
            }
            self.0.work.notify_waiters();
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

impl State {
    fn add(&mut self, key: Key, tenant: TenantId, step: Step, room: OwnedSemaphorePermit) {
        // Only the first step waits: a receipt that is lost is not sent again.
        let lingers = self.rate.count() && step.status == MessageStatus::Sent;
        let waiting = match self.waiting.remove(&key) {
            Some(known) => Waiting { step: known.step.and(step), ..known },
            None => Waiting { tenant, step, _room: room },
        };
        self.waiting.insert(key.clone(), waiting);
        // A message that is here twice is written when its first turn comes.
        if lingers {
            self.later.push_back((Instant::now() + LINGER, key));
        } else {
            self.now.push_back(key);
        }
    }

    /// The next message to write, or when there may be one.
    fn next(&mut self) -> Result<(Key, Waiting), Option<Instant>> {
        let now = Instant::now();
        while let Some((due, _)) = self.later.front()
            && *due <= now
        {
            let due = self.later.pop_front().map(|(_, key)| key);
            self.now.extend(due);
        }
        for _ in 0..self.now.len() {
            let Some(key) = self.now.pop_front() else { break };
            if self.being_written.contains(&key) {
                self.now.push_back(key);
            } else if let Some(waiting) = self.waiting.remove(&key) {
                self.being_written.insert(key.clone());
                return Ok((key, waiting));
            }
        }
        Err(self.later.front().map(|(due, _)| *due))
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while holding this.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes step by step, for as long as there is anybody to ask for it.
async fn write(inner: std::sync::Weak<Inner>) {
    /// How often an idle writer looks whether anybody is left.
    const IDLE: Duration = Duration::from_secs(1);
    while let Some(inner) = inner.upgrade() {
        let next = inner.lock().next();
        let (key, waiting) = match next {
            Ok(next) => next,
            Err(due) => {
                let until = due.unwrap_or_else(|| Instant::now() + IDLE).min(Instant::now() + IDLE);
                let _idle = tokio::time::timeout_at(until, inner.work.notified()).await;
                continue;
            }
        };
        let (device, id) = &key;
        let outcome =
            messages::record_progress(&inner.ctx, waiting.tenant, *device, id, waiting.step.clone()).await;
        let mut state = inner.lock();
        state.being_written.remove(&key);
        match outcome {
            Ok(_) => {}
            Err(error) if error.category == Category::Unavailable => {
                tracing::warn!(%device, id, error = &error as &dyn std::error::Error, "a step is not written down yet");
                // What came meanwhile comes after it.
                if let Some(newer) = state.waiting.remove(&key) {
                    let step = waiting.step.and(newer.step);
                    state.waiting.insert(key, Waiting { step, ..waiting });
                } else {
                    state.waiting.insert(key.clone(), waiting);
                    state.later.push_back((Instant::now() + AGAIN, key));
                }
            }
            Err(error) => {
                tracing::error!(%device, id, error = &error as &dyn std::error::Error, "a step cannot be written down");
            }
        }
    }
}
