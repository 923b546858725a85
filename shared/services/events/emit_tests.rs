//! Sending events together.

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
    /// Blocks of this tenant are not taken for now.
    away_for: Mutex<Option<TenantId>>,
    /// Numbers of events that are refused for good, and those that were set aside.
    poison: Vec<u64>,
    aside: Mutex<Vec<u64>>,
}

#[async_trait::async_trait]
impl Outlet for Queue {
    async fn send(&self, block: &EventsV1) -> Result<(), QueueError> {
        if let Some(gate) = &self.gate {
            gate.notified().await;
        }
        if self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
        {
            return Err(QueueError::Unavailable("away".into()));
        }
        if *self.away_for.lock().unwrap() == Some(block.account_id) {
            return Err(QueueError::Misconfigured("not for this tenant".into()));
        }
        if numbers(block).iter().any(|n| self.poison.contains(n)) {
            return Err(QueueError::Refused("a character that the queue does not take".into()));
        }
        self.blocks.lock().unwrap().push(block.clone());
        Ok(())
    }

    async fn set_aside(&self, _: TenantId, event: &NewEvent, _: &QueueError) -> Result<(), StoreError> {
        if self.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
        {
            return Err(StoreError::Unavailable("away".into()));
        }
        self.aside.lock().unwrap().push(event.data["n"].as_u64().unwrap());
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
    tokio::time::timeout(Duration::from_secs(5), left).await.expect("nobody sends for the tenant any more");
}

#[tokio::test(start_paused = true)]
async fn events_for_which_nobody_waits_come_together_until_somebody_waits_or_they_fill_an_entry() {
    let queue = Arc::new(Queue::default());
    let emitter = emitter(queue.clone());
    let tenant = TenantId::derived([1; 32]);
    let sizes = || queue.blocks.lock().unwrap().iter().map(|block| block.events.len()).collect::<Vec<_>>();
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
#[tokio::test(start_paused = true)]
async fn an_event_that_the_queue_never_takes_is_set_aside_and_the_others_go_on_in_their_order() {
    let queue = Arc::new(Queue { poison: vec![7, 30], ..Queue::default() });
    let emitter = emitter(queue.clone());
    let (tenant, other) = (TenantId::derived([1; 32]), TenantId::derived([2; 32]));
    emitter.emit(tenant, (0..40).map(|n| event(n, 0))).await;
    emitter.emit(other, [event(100, 0)]).await;
    assert_eq!(*queue.aside.lock().unwrap(), [7, 30]);
    let told: Vec<u64> = queue.blocks.lock().unwrap().iter().flat_map(numbers).collect();
    let expected: Vec<u64> = (0..40).filter(|n| ![7, 30].contains(n)).chain([100]).collect();
    assert_eq!(told, expected);
}

#[tokio::test(start_paused = true)]
async fn a_tenant_whose_events_are_not_taken_lets_no_other_wait() {
    let queue = Arc::new(Queue::default());
    let emitter = emitter(queue.clone());
    let (loud, quiet) = (TenantId::derived([1; 32]), TenantId::derived([2; 32]));
    *queue.away_for.lock().unwrap() = Some(loud);
    let flood = tokio::spawn({
        let emitter = emitter.clone();
        async move { emitter.hand_over(loud, (0..2 * MAX_WAITING).map(|n| event(n, 0))).await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let telling = emitter.emit(quiet, [event(0, 0)]);
    tokio::time::timeout(Duration::from_secs(1), telling).await.expect("it waits for nobody");
    *queue.away_for.lock().unwrap() = None;
    flood.await.unwrap();
    emitter.flush().await;
    let told = queue.blocks.lock().unwrap().iter().map(|block| block.events.len()).sum::<usize>();
    assert_eq!(told, 2 * MAX_WAITING + 1);
}
