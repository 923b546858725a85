//! Sending events to the queue, many in one entry. While an entry of a tenant is on its way, other events of the
//! same tenant gather and go together in the next one. Who is alone waits for nobody. Events for which nobody
//! waits come together for a moment longer: an entry is a request and at least one write unit.

use std::{
    collections::{HashMap, VecDeque, hash_map},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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
    },
    queue::{
        QueueError, QueueKind, Queues,
        payloads::{EventsPayload, EventsV1},
    },
};

/// The most events in an entry.
const MOST_EVENTS: usize = 50;

/// The most bytes in an entry; SQS takes 256 KB, and sealed in base64 they are a third more.
const MOST_BYTES: usize = 185 * 1024;

/// Events that may wait for SQS; who comes later waits to get in.
const ROOM: usize = 4096;

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
    _room: OwnedSemaphorePermit,
}

/// Where blocks go: the queue, and something simpler in tests.
#[async_trait::async_trait]
trait Outlet: Send + Sync {
    async fn send(&self, block: &EventsV1) -> Result<(), QueueError>;
}

#[async_trait::async_trait]
impl Outlet for Queues {
    async fn send(&self, block: &EventsV1) -> Result<(), QueueError> {
        let place = (block.account_id.to_string(), block.block_id.to_string());
        let payload = EventsPayload::V1(block.clone());
        self.send_in_order(QueueKind::Events, (&place.0, &place.1), &payload).await
    }
}

impl Emitter {
    /// Sends to the queue of events.
    pub fn new(queues: Queues, clock: SharedClock) -> Self {
        Self::to(Arc::new(queues), clock)
    }

    fn to(queue: Arc<dyn Outlet>, clock: SharedClock) -> Self {
        let room = Arc::new(Semaphore::new(ROOM));
        Self(Arc::new(Inner { queue, clock, gathered: Mutex::default(), room }))
    }

    /// Sends a tenant's events, and returns when the queue has them. That takes as long as the queue is away:
    /// whoever stops waiting does not take them back.
    pub async fn emit(&self, tenant: TenantId, events: impl IntoIterator<Item = NewEvent>) {
        let mut accepted = Vec::new();
        for event in events {
            let room = self.0.room.clone().acquire_owned().await.expect("the semaphore is never closed");
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
            let room = self.0.room.clone().acquire_owned().await.expect("the semaphore is never closed");
            drop(self.gather(tenant, event.fitting(), room, false));
        }
    }

    /// Waits until the queue has everything.
    pub async fn flush(&self) {
        const LOOK_AGAIN: Duration = Duration::from_millis(10);
        loop {
            {
                let all = self.0.lock();
                if all.is_empty() {
                    return;
                }
                all.values().for_each(|gathered| gathered.go.notify_one());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    fn gather(
        &self,
        tenant: TenantId,
        event: NewEvent,
        room: OwnedSemaphorePermit,
        at_once: bool,
    ) -> oneshot::Receiver<()> {
        let bytes = serde_json::to_string(&event).map_or(0, |json| json.len());
        let (accepted, is_accepted) = oneshot::channel();
        let waiting = Waiting { event, bytes, accepted, _room: room };
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

    /// Sends what a tenant has until nothing is left.
    async fn run(self: Arc<Self>, tenant: TenantId) {
        let go = self.lock().get(&tenant).map(|gathered| gathered.go.clone()).unwrap_or_default();
        while let Some(together) = self.next(tenant) {
            let began = Instant::now();
            let (events, waiting): (Vec<_>, Vec<_>) =
                together.into_iter().map(|one| (one.event, (one.accepted, one._room))).unzip();
            let now = self.clock.now();
            let block_id = BlockId::generate(now);
            self.send(EventsV1 { account_id: tenant, block_id, maybe_since: None, events }).await;
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

    /// Sends a block until the queue has it.
    async fn send(&self, mut block: EventsV1) {
        let (began, mut pause) = (self.clock.now(), FIRST_PAUSE);
        while let Err(error) = self.queue.send(&block).await {
            log(&block, &error);
            // The queue may have it all the same.
            block.maybe_since = Some(began);
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

fn log(block: &EventsV1, error: &QueueError) {
    let (tenant, count) = (block.account_id, block.events.len());
    let is_fault = !matches!(error, QueueError::Unavailable(_));
    let error = error as &dyn std::error::Error;
    if is_fault {
        tracing::error!(%tenant, count, error, "events are refused by their queue; trying again");
    } else {
        tracing::warn!(%tenant, count, error, "events are not queued yet");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use serde_json::json;
    use tokio::sync::Notify;

    use super::*;
    use crate::{
        clock::{Clock, SystemClock},
        domain::{event::EventType, ids::DeviceId},
    };

    #[derive(Default)]
    struct Queue {
        blocks: Mutex<Vec<EventsV1>>,
        failures: AtomicU32,
        /// Each send waits for one of these, when there is one.
        gate: Option<Notify>,
    }

    #[async_trait::async_trait]
    impl Outlet for Queue {
        async fn send(&self, block: &EventsV1) -> Result<(), QueueError> {
            if let Some(gate) = &self.gate {
                gate.notified().await;
            }
            if self
                .failures
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                .is_ok()
            {
                return Err(QueueError::Unavailable("away".into()));
            }
            self.blocks.lock().unwrap().push(block.clone());
            Ok(())
        }
    }

    fn event(n: usize, filler: usize) -> NewEvent {
        let at = SystemClock.now();
        let data = json!({"n": n, "filler": "x".repeat(filler)});
        NewEvent::new(EventType::MessageReceived, at, DeviceId::derived([1; 32]), data)
    }

    fn emitter(queue: Arc<Queue>) -> Emitter {
        Emitter::to(queue, Arc::new(SystemClock))
    }

    fn numbers(block: &EventsV1) -> Vec<u64> {
        block.events.iter().map(|event| event.data["n"].as_u64().unwrap()).collect()
    }

    #[tokio::test]
    async fn an_event_alone_goes_at_once_and_others_gather_behind_it() {
        let queue = Arc::new(Queue { gate: Some(Notify::new()), ..Queue::default() });
        let emitter = emitter(queue.clone());
        let tenant = TenantId::derived([1; 32]);
        let waiting: Vec<_> = (0..120)
            .map(|n| {
                let (emitter, event) = (emitter.clone(), event(n, 0));
                Box::pin(async move { emitter.emit(tenant, [event]).await })
            })
            .collect();
        let all = tokio::spawn(futures::future::join_all(waiting));
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            queue.gate.as_ref().unwrap().notify_one();
        }
        all.await.unwrap();
        {
            let blocks = queue.blocks.lock().unwrap();
            let sizes: Vec<usize> = blocks.iter().map(|block| block.events.len()).collect();
            assert!(sizes.iter().all(|size| *size <= MOST_EVENTS), "{sizes:?}");
            assert!(blocks.len() <= 4, "{sizes:?}");
            let told: Vec<u64> = blocks.iter().flat_map(numbers).collect();
            assert_eq!(told, (0..120).collect::<Vec<u64>>(), "in their order");
        }
        let left = async {
            while !emitter.0.lock().is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(5), left)
            .await
            .expect("nobody sends for the tenant any more");
    }

    #[tokio::test(start_paused = true)]
    async fn events_for_which_nobody_waits_come_together_until_somebody_waits_or_they_fill_an_entry() {
        let queue = Arc::new(Queue::default());
        let emitter = emitter(queue.clone());
        let tenant = TenantId::derived([1; 32]);
        let sizes =
            || queue.blocks.lock().unwrap().iter().map(|block| block.events.len()).collect::<Vec<_>>();
        let began = Instant::now();
        for n in 0..10 {
            emitter.hand_over(tenant, [event(n, 0)]).await;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(sizes(), [1], "the first goes at once");
        emitter.emit(tenant, [event(10, 0)]).await;
        assert!(began.elapsed() < GATHER);
        assert_eq!(sizes(), [1, 10], "and all with the one that somebody waits for");
        emitter.hand_over(tenant, [event(11, 0)]).await;
        tokio::time::sleep(GATHER * 2).await;
        assert_eq!(sizes(), [1, 10, 1]);
        emitter.hand_over(tenant, [event(0, 0)]).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        emitter.hand_over(tenant, (0..MOST_EVENTS).map(|n| event(n, 0))).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(sizes(), [1, 10, 1, 1, MOST_EVENTS]);
        emitter.hand_over(tenant, [event(11, 0)]).await;
        emitter.flush().await;
        assert_eq!(sizes(), [1, 10, 1, 1, MOST_EVENTS, 1]);
    }

    #[tokio::test]
    async fn an_entry_is_never_larger_than_the_queue_takes() {
        let queue = Arc::new(Queue::default());
        emitter(queue.clone()).emit(TenantId::derived([1; 32]), (0..8).map(|n| event(n, 60_000))).await;
        for block in queue.blocks.lock().unwrap().iter() {
            assert!(serde_json::to_string(&block).unwrap().len() < 220 * 1024);
        }
        let told: Vec<u64> = queue.blocks.lock().unwrap().iter().flat_map(numbers).collect();
        assert_eq!(told, (0..8).collect::<Vec<u64>>());
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_queue_is_away_events_wait_and_say_that_they_may_have_come_before() {
        let queue = Arc::new(Queue { failures: AtomicU32::new(5), ..Queue::default() });
        let emitter = emitter(queue.clone());
        let tenant = TenantId::derived([1; 32]);
        emitter.emit(tenant, [event(0, 0)]).await;
        emitter.emit(tenant, [event(1, 0)]).await;
        let blocks = queue.blocks.lock().unwrap();
        assert_eq!(blocks.len(), 2);
        assert!(blocks[0].maybe_since.is_some());
        assert!(blocks[1].maybe_since.is_none());
    }
}
