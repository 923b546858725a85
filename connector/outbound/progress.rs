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
        jid::Jid,
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
    /// What cannot be written as one.
    notes: VecDeque<Note>,
}

/// A step of a message.
struct Note {
    step: Step,
    /// The message's chat, when whoever noted the step has the message.
    chat: Option<Jid>,
    _room: OwnedSemaphorePermit,
}

impl Note {
    /// Takes another step of the same message into this one, or gives it back. A receipt is only as good as who sent
    /// it: it is taken in when that is the message's recipient for sure, and otherwise written by itself, under the
    /// condition that it is.
    fn merge(&mut self, other: Self) -> Option<Self> {
        match (&self.step.only, &other.step.only) {
            (mine, others) if mine == others => {}
            (None, Some(only)) if self.chat.as_ref().is_some_and(|chat| only.takes(chat)) => {}
            (Some(only), None) if other.chat.as_ref().is_some_and(|chat| only.takes(chat)) => {
                self.step.only = None;
            }
            _ => return Some(other),
        }
        let mut other = other;
        self.step = self.step.clone().and(other.step);
        self.chat = self.chat.take().or(other.chat.take());
        None
    }
}

impl Waiting {
    fn add(&mut self, note: Note) {
        let mut left = Some(note);
        for known in &mut self.notes {
            let Some(note) = left.take() else { return };
            left = known.merge(note);
        }
        self.notes.extend(left);
    }
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

    /// Has a step written down, soon. Waits only when too many do already. `chat`: the message's, for a step that is
    /// no receipt.
    pub async fn note(
        &self,
        tenant: TenantId,
        device: DeviceId,
        wa_message_id: &str,
        step: Step,
        chat: Option<&Jid>,
    ) {
        let permit = self.0.room.clone().acquire_owned().await.expect("the semaphore is never closed");
        let note = Note { step, chat: chat.cloned(), _room: permit };
        self.0.lock().add((device, wa_message_id.to_owned()), tenant, note);
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
    fn add(&mut self, key: Key, tenant: TenantId, note: Note) {
        // Only the first step waits: a receipt that is lost is not sent again.
        let lingers = self.rate.count() && note.step.status == MessageStatus::Sent;
        self.waiting
            .entry(key.clone())
            .or_insert_with(|| Waiting { tenant, notes: VecDeque::new() })
            .add(note);
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
        let (key, mut waiting) = match next {
            Ok(next) => next,
            Err(due) => {
                let until = due.unwrap_or_else(|| Instant::now() + IDLE).min(Instant::now() + IDLE);
                let _idle = tokio::time::timeout_at(until, inner.work.notified()).await;
                continue;
            }
        };
        let (device, id) = &key;
        let mut outcome = Ok(());
        while let Some(note) = waiting.notes.front() {
            let step = note.step.clone();
            outcome = messages::record_progress(&inner.ctx, waiting.tenant, *device, id, step).await;
            if outcome.as_ref().is_err_and(|error| error.category == Category::Unavailable) {
                break;
            }
            if let Err(error) = &outcome {
                tracing::error!(%device, id, error = error as &dyn std::error::Error, "a step cannot be written down");
            }
            waiting.notes.pop_front();
        }
        let mut state = inner.lock();
        state.being_written.remove(&key);
        match outcome {
            Err(error) if error.category == Category::Unavailable => {
                tracing::warn!(%device, id, error = &error as &dyn std::error::Error, "a step is not written down yet");
                // What came meanwhile comes after it.
                if let Some(newer) = state.waiting.remove(&key) {
                    newer.notes.into_iter().for_each(|note| waiting.add(note));
                    state.waiting.insert(key, waiting);
                } else {
                    state.waiting.insert(key.clone(), waiting);
                    state.later.push_back((Instant::now() + AGAIN, key));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use shared::{clock::Timestamp, store::messages::Only};

    use super::*;

    const RECIPIENT: &str = "6281234567890@s.whatsapp.net";
    const STRANGER: &str = "6281234567891@s.whatsapp.net";

    fn note(status: MessageStatus, from: Option<&str>, chat: Option<&str>) -> Note {
        let only = from.map(|from| Only { generation: 0, chats: vec![from.parse().unwrap()] });
        let step = Step { only, ..Step::to(status, Timestamp::from_unix_millis(1)) };
        let room = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        Note { step, chat: chat.map(|chat| chat.parse().unwrap()), _room: room }
    }

    /// The statuses that are written, one after another, and whether on condition.
    fn written(notes: impl IntoIterator<Item = Note>) -> Vec<(MessageStatus, bool)> {
        let mut waiting = Waiting { tenant: TenantId::derived([1; 32]), notes: VecDeque::new() };
        notes.into_iter().for_each(|note| waiting.add(note));
        waiting.notes.iter().map(|note| (note.step.status, note.step.only.is_some())).collect()
    }

    #[test]
    fn the_ack_and_the_receipt_of_the_recipient_are_one_write_and_a_strangers_receipt_is_one_by_itself() {
        use MessageStatus::{Delivered, Read, Sent};
        let ack = || note(Sent, None, Some(RECIPIENT));
        let of = |status, from| note(status, Some(from), None);
        assert_eq!(written([ack(), of(Delivered, RECIPIENT)]), [(Delivered, false)]);
        assert_eq!(written([of(Delivered, RECIPIENT), ack()]), [(Delivered, false)]);
        assert_eq!(written([of(Delivered, RECIPIENT), of(Read, RECIPIENT)]), [(Read, true)]);
        let forged = [ack(), of(Read, STRANGER), of(Delivered, RECIPIENT)];
        assert_eq!(written(forged), [(Delivered, false), (Read, true)]);
        let forged_first = [of(Read, STRANGER), of(Delivered, RECIPIENT), ack()];
        assert_eq!(written(forged_first), [(Read, true), (Delivered, false)]);
    }
}
