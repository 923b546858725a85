//! Sending events to the queue, many in one entry. While an entry of a tenant is on its way, other events of the
//! same tenant gather and go together in the next one. Who is alone waits for nobody. Events for which nobody
//! waits come together for a moment longer: an entry is a request and at least one write unit.
//!
//! An entry that the queue never takes is halved until the one event is found that it does not take; that one is
//! set aside and the others go on.

use std::{
    collections::{HashMap, VecDeque, hash_map},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot},
    time::Instant,
};

use crate::{
    clock::SharedClock,
    domain::{
        event::NewEvent,
        ids::{BlockId, TenantId},
        set_aside::SetAsideKind,
    },
    queue::{
        QueueError, QueueKind, Queues,
        payloads::{EventsPayload, EventsV1},
    },
    services::set_aside::{Keeper, PassedOver},
    store::StoreError,
};

/// The most events in an entry.
const MOST_EVENTS: usize = 50;

/// The most bytes in an entry; SQS takes 256 KB, and sealed in base64 they are a third more.
const MOST_BYTES: usize = 185 * 1024;

/// Events that may wait for SQS; who comes later waits to get in.
const MAX_WAITING: usize = 4096;

/// How many of these may be one tenant's: whoever floods the queue lets nobody wait but itself.
const ROOM_OF_TENANT: usize = 256;

/// How soon after an entry of a tenant the next one goes for whose events nobody waits.
const GATHER: Duration = Duration::from_millis(50);

/// The pause after the first failure; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(200);

const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Sends the events of a process. Clones are the same.
#[derive(Clone)]
pub struct Emitter(Arc<Inner>);

struct Inner {
    queue: Arc<dyn Outlet>,
    clock: SharedClock,
    /// Those that wait, by tenant. A tenant without a sender has no entry.
    gathered: Mutex<HashMap<TenantId, Gathered>>,
    room: Arc<Semaphore>,
    /// What is left of it for each tenant that has events in line.
    rooms: Mutex<HashMap<TenantId, Weak<Semaphore>>>,
}

#[derive(Default)]
struct Gathered {
    waiting: VecDeque<Waiting>,
    /// Told when the next entry is to go at once.
    go: Arc<Notify>,
}

struct Waiting {
    event: NewEvent,
    bytes: usize,
    accepted: oneshot::Sender<()>,
    room: Room,
}

/// An event's place in line: of its tenant's share, and of all.
struct Room {
    _of_tenant: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

/// Where blocks go: the queue, and something simpler in tests.
#[async_trait::async_trait]
trait Outlet: Send + Sync {
    async fn send(&self, block: &EventsV1) -> Result<(), QueueError>;

    /// Takes what the queue never does.
    async fn set_aside(&self, tenant: TenantId, event: &NewEvent, why: &QueueError)
    -> Result<(), StoreError>;
}

/// The queue of events, and where poison goes.
struct EventQueue {
    queues: Queues,
    keeper: Keeper,
}

#[async_trait::async_trait]
impl Outlet for EventQueue {
    async fn send(&self, block: &EventsV1) -> Result<(), QueueError> {
        let place = (block.account_id.to_string(), block.block_id.to_string());
        let payload = EventsPayload::V1(block.clone());
        self.queues.send_in_order(QueueKind::Events, (&place.0, &place.1), &payload).await
    }

    async fn set_aside(
        &self,
        tenant: TenantId,
        event: &NewEvent,
        why: &QueueError,
    ) -> Result<(), StoreError> {
        let subject = format!("{} {}", event.kind, event.of.as_deref().unwrap_or_default());
        let content = serde_json::to_string(event).ok();
        let device = event.device_id;
        let at = event.timestamp.to_string();
        let (what, subject, distinct) = (SetAsideKind::Event, subject.trim(), at.as_str());
        let item = PassedOver { what, tenant, device, subject, distinct, content };
        self.keeper.keep(item, why).await
    }
}

impl Emitter {
    /// Sends to the queue of events.
    pub fn new(queues: Queues, keeper: Keeper, clock: SharedClock) -> Self {
        Self::to(Arc::new(EventQueue { queues, keeper }), clock)
    }

    fn to(queue: Arc<dyn Outlet>, clock: SharedClock) -> Self {
        let room = Arc::new(Semaphore::new(MAX_WAITING));
        Self(Arc::new(Inner { queue, clock, gathered: Mutex::default(), room, rooms: Mutex::default() }))
    }

    /// Sends a tenant's events, and returns when the queue has them. That takes as long as the queue is away:
    /// whoever stops waiting does not take them back.
    pub async fn emit(&self, tenant: TenantId, events: impl IntoIterator<Item = NewEvent>) {
        let mut accepted = Vec::new();
        for event in events {
            let room = self.0.room_for(tenant).await;
            accepted.push(self.gather(tenant, event.fitting(), room, true));
        }
        for accepted in accepted {
            // Only the end of the whole process drops the other end.
            let _ended = accepted.await;
        }
    }

    /// The same, but returns when the events are in line for the queue: for who must not wait for it.
    /// [`Emitter::flush`] before the process ends.
    pub async fn hand_over(&self, tenant: TenantId, events: impl IntoIterator<Item = NewEvent>) {
        for event in events {
            let room = self.0.room_for(tenant).await;
            drop(self.gather(tenant, event.fitting(), room, false));
        }
    }

    /// Waits until the queue has everything.
    pub async fn flush(&self) {
        const POLL_INTERVAL: Duration = Duration::from_millis(10);
        loop {
            {
                let all = self.0.lock();
                if all.is_empty() {
                    return;
                }
                all.values().for_each(|gathered| gathered.go.notify_one());
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    fn gather(&self, tenant: TenantId, event: NewEvent, room: Room, at_once: bool) -> oneshot::Receiver<()> {
        let bytes = serde_json::to_string(&event).map_or(0, |json| json.len());
        let (accepted, is_accepted) = oneshot::channel();
        let waiting = Waiting { event, bytes, accepted, room };
        let is_first = match self.0.lock().entry(tenant) {
            hash_map::Entry::Occupied(mut others) => {
                let others = others.get_mut();
                others.waiting.push_back(waiting);
                if at_once || others.waiting.len() >= MOST_EVENTS {
                    others.go.notify_one();
                }
                false
            }
            hash_map::Entry::Vacant(free) => {
                free.insert(Gathered { waiting: VecDeque::from([waiting]), ..Gathered::default() });
                true
            }
        };
        if is_first {
            // In a task of its own: whoever hangs up, the events go.
            tokio::spawn(self.0.clone().run(tenant));
        }
        is_accepted
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, Gathered>> {
        // Nothing panics while holding this.
        self.gathered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place in line for an event of a tenant, when there is one.
    async fn room_for(&self, tenant: TenantId) -> Room {
        let of_tenant = {
            let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
            if rooms.len() > 2 * MAX_WAITING {
                rooms.retain(|_, room| room.strong_count() > 0);
            }
            let known = rooms.get(&tenant).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let room = Arc::new(Semaphore::new(ROOM_OF_TENANT));
                rooms.insert(tenant, Arc::downgrade(&room));
                room
            })
        };
        // Who waits for its own share takes none of the others'.
        let _of_tenant = take(of_tenant).await;
        let _of_all = take(self.room.clone()).await;
        Room { _of_tenant, _of_all }
    }

    /// Sends what a tenant has until nothing is left.
    async fn run(self: Arc<Self>, tenant: TenantId) {
        let go = self.lock().get(&tenant).map(|gathered| gathered.go.clone()).unwrap_or_default();
        while let Some(together) = self.next(tenant) {
            let began = Instant::now();
            let (events, waiting): (Vec<_>, Vec<_>) =
                together.into_iter().map(|one| (one.event, (one.accepted, one.room))).unzip();
            self.send_all(tenant, events).await;
            for (accepted, _) in waiting {
                let _waits_no_more = accepted.send(());
            }
            let _at_once = tokio::time::timeout_at(began + GATHER, go.notified()).await;
        }
    }

    /// What goes in the next entry; `None` when that is nothing, and then nobody sends for the tenant any more.
    fn next(&self, tenant: TenantId) -> Option<Vec<Waiting>> {
        let mut all = self.lock();
        let gathered = all.get_mut(&tenant)?;
        let (mut bytes, mut count) = (0, 0);
        for waiting in gathered.waiting.iter().take(MOST_EVENTS) {
            bytes += waiting.bytes;
            if count > 0 && bytes > MOST_BYTES {
                break;
            }
            count += 1;
        }
        if count == 0 {
            all.remove(&tenant);
            return None;
        }
        Some(gathered.waiting.drain(..count).collect())
    }

    /// Sends a tenant's events, in their order, until the queue has all that it takes.
    async fn send_all(&self, tenant: TenantId, events: Vec<NewEvent>) {
        let mut blocks = VecDeque::from([events]);
        while let Some(events) = blocks.pop_front() {
            let block_id = BlockId::generate(self.clock.now());
            let block = EventsV1 { account_id: tenant, block_id, maybe_since: None, events };
            let Err((mut events, why)) = self.send(block).await else { continue };
            if events.len() > 1 {
                let behind = events.split_off(events.len() / 2);
                blocks.push_front(behind);
                blocks.push_front(events);
            } else if let Some(event) = events.first() {
                self.set_aside(tenant, event, &why).await;
            }
        }
    }

    /// Sends a block until the queue has it. Gives it back when the queue will never take it.
    async fn send(&self, mut block: EventsV1) -> Result<(), (Vec<NewEvent>, QueueError)> {
        let (began, mut pause) = (self.clock.now(), FIRST_PAUSE);
        while let Err(error) = self.queue.send(&block).await {
            if !error.kind().passes() {
                return Err((block.events, error));
            }
            let (tenant, count) = (block.account_id, block.events.len());
            tracing::warn!(%tenant, count, error = &error as &dyn std::error::Error, "events are not queued yet");
            // The queue may have it all the same.
            block.maybe_since = Some(began);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Ok(())
    }

    async fn set_aside(&self, tenant: TenantId, event: &NewEvent, why: &QueueError) {
        let mut pause = FIRST_PAUSE;
        while let Err(error) = self.queue.set_aside(tenant, event, why).await {
            log(tenant, &error);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// A permit, without a yield while there is one: who asks first comes first.
async fn take(room: Arc<Semaphore>) -> OwnedSemaphorePermit {
    match room.clone().try_acquire_owned() {
        Ok(permit) => permit,
        Err(_) => room.acquire_owned().await.expect("the semaphore is never closed"),
    }
}

fn log(tenant: TenantId, error: &StoreError) {
    let error = error as &dyn std::error::Error;
    tracing::warn!(%tenant, error, "an event that the queue refuses cannot be set aside yet");
}

#[cfg(test)]
#[path = "emit_tests.rs"]
mod tests;
