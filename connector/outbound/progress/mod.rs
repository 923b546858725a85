//! What becomes of messages, written down.
//!
//! While much goes on, the server's ack waits a moment for the recipient's receipt, so that both are one write.
//! When little does, nothing waits. An ack that is lost in a crash meanwhile does no harm: the message is sent
//! again under the same WhatsApp id. Receipts of a group's members come together for a second: a message to a
//! thousand of them is a few writes. What is final is remembered, and so are ids that nobody here sent, so that
//! their next receipts cost nothing.

mod book;
mod memory;
mod waiting;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use shared::{
    domain::{
        ids::{DeviceId, TenantId},
        jid::Jid,
        receipts::Receipts,
    },
    services::{Context, Error},
    store::messages::Step,
};
use tokio::{
    sync::{Notify, Semaphore},
    time::Instant,
};

use book::Book;
use memory::{Known, Memory};
use waiting::{Key, News, State, Waiting};

/// Writes at a time.
const WRITERS: usize = 16;

/// Messages that may wait; who comes later waits to get in.
const MAX_WAITING: usize = 4096;

/// The longest id that is looked for: WhatsApp's have 32 characters at most.
const MAX_ID_CHARS: usize = 128;

/// Writes down what becomes of the messages of all devices of a process. Cheap to clone; what waits when the
/// last clone is gone is lost, so [`Progress::flush`] first.
#[derive(Clone)]
pub(crate) struct Progress(Arc<Inner>);

struct Inner {
    book: Box<dyn Book>,
    memory: Memory,
    state: Mutex<State>,
    room: Arc<Semaphore>,
    work: Notify,
}

impl Progress {
    /// Starts the writers on the current Tokio runtime.
    pub fn start(ctx: Context) -> Self {
        Self::over(Box::new(ctx))
    }

    fn over(book: Box<dyn Book>) -> Self {
        let inner = Arc::new(Inner {
            book,
            memory: Memory::default(),
            state: Mutex::default(),
            room: Arc::new(Semaphore::new(MAX_WAITING)),
            work: Notify::new(),
        });
        for _ in 0..WRITERS {
            tokio::spawn(write(Arc::downgrade(&inner)));
        }
        Self(inner)
    }

    /// Has a step written down, soon. Waits only when too many do already. `chat`: the message's, when whoever noted
    /// the step has the message.
    pub async fn note(
        &self,
        tenant: TenantId,
        device: DeviceId,
        wa_message_id: &str,
        step: Step,
        chat: Option<&Jid>,
    ) {
        let news = News { step, chat: chat.cloned(), receipts: Receipts::default() };
        self.0.add(tenant, (device, wa_message_id.to_owned()), news).await;
    }

    /// The same for a receipt; `member` is whose it is, of a group.
    pub async fn receipt(
        &self,
        tenant: TenantId,
        device: DeviceId,
        wa_message_id: &str,
        step: Step,
        member: Option<Jid>,
    ) {
        if wa_message_id.is_empty() || wa_message_id.len() > MAX_ID_CHARS {
            tracing::debug!(%device, length = wa_message_id.len(), "a receipt is of no message");
            return;
        }
        let read_by = member.clone().filter(|_| step.read_at.is_some());
        let news = News { step, chat: None, receipts: Receipts::of(member, read_by) };
        self.0.add(tenant, (device, wa_message_id.to_owned()), news).await;
    }

    /// A message of the owner's, sent elsewhere, is stored now: receipts of it that came before it are written down.
    pub async fn stored(&self, tenant: TenantId, device: DeviceId, wa_message_id: &str) {
        let key = (device, wa_message_id.to_owned());
        for early in self.0.memory.stored(&key).await {
            self.0.add(tenant, key.clone(), early).await;
        }
    }

    /// Writes what waits of a device, or of all, and returns when it is written.
    pub async fn flush(&self, device: Option<DeviceId>) {
        const POLL_INTERVAL: Duration = Duration::from_millis(5);
        while self.0.lock().hurry(device) {
            self.0.work.notify_waiters();
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

impl Inner {
    async fn add(&self, tenant: TenantId, key: Key, news: News) {
        let permit = self.room.clone().acquire_owned().await.expect("the semaphore is never closed");
        self.lock().add(key, tenant, news, permit);
        self.work.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while holding this.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down what is new of a message. Of an id that is not known it is kept in memory for a while.
    async fn write_down(&self, key: &Key, tenant: TenantId, news: &News) -> Result<(), Error> {
        let News { step, receipts, .. } = news;
        let before = self.memory.arrivals();
        let known = self.memory.get(key, step).await;
        let recorded = match known {
            Some(Known::Missing) => None,
            // Nothing new: it is past that.
            Some(Known::There(there)) if !there.status.may_become(step.status) || !there.takes(step) => {
                Some(there)
            }
            Some(Known::There(there)) => {
                self.book.record(tenant, key, step, Some(&there.stored_under)).await?
            }
            None => self.book.record(tenant, key, step, None).await?,
        };
        let Some(there) = recorded else {
            if self.memory.missing(key, news.clone(), before).await {
                // It was stored in this moment.
                self.lock().again(key, tenant, news.clone());
            }
            return Ok(());
        };
        // Whoever sends receipts of a message that was never sent to it is no member that has it.
        if receipts.delivered > 0 && there.takes(step) {
            self.book.add_receipts(tenant, key.0, &there.stored_under, receipts).await?;
        }
        self.memory.there(key.clone(), there).await;
        Ok(())
    }

    /// Writes down what is new of a message, or sets it aside when that can never be. Takes out what is done.
    async fn settle(&self, key: &Key, waiting: &mut Waiting) {
        while let Some(news) = waiting.news.first() {
            let outcome = match self.write_down(key, waiting.tenant, news).await {
                Err(error) if !error.passes() => self.book.set_aside(waiting.tenant, key, news, &error).await,
                outcome => outcome,
            };
            if let Err(error) = &outcome {
                let ((device, id), error) = (key, error as &dyn std::error::Error);
                tracing::warn!(%device, id, error, "a step is not written down yet");
                return;
            }
            waiting.news.remove(0);
        }
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
        inner.settle(&key, &mut waiting).await;
        inner.lock().written(key, waiting);
    }
}

#[cfg(test)]
mod tests;
