//! The lane with a connection that does what the test says.

mod catch_up;
mod failures;
mod turns;

use std::sync::Arc;

use shared::{
    domain::{
        device::Device,
        message::{Message, MessageStatus},
    },
    queue::payloads::SendMessageV1,
};
use tokio::{sync::Notify, task::JoinHandle};

use super::*;
use crate::{
    outbound::{Entries, Job},
    testing::{FakeConnection, NUMBER, Stage, unlimited},
};

/// A device's lane, and the test in its actor's place.
struct TestLane {
    orders: mpsc::Sender<LaneOrder>,
    open: watch::Sender<Option<OpenConnection>>,
    policy: watch::Sender<SendPolicy>,
    entries: Entries,
    stop: CancellationToken,
    lane: JoinHandle<()>,
}

impl TestLane {
    /// A lane of a device that is not connected.
    async fn offline(stage: &Stage, device: &Assignment) -> Self {
        let (orders, orders_in) = mpsc::channel(64);
        let (open, open_in) = watch::channel(None);
        let (policy, policy_in) = watch::channel(SendPolicy::of(&stage.row(device).await));
        let channels = Channels {
            orders: orders_in,
            open: open_in,
            policy: policy_in,
            look: Arc::new(Notify::new()),
            in_hand: Arc::default(),
        };
        let stop = CancellationToken::new();
        let lane = run(stage.worker.clone(), device.clone(), channels, stop.clone());
        let (entries, _settling) = Entries::start(stage.worker.ctx.queues.clone(), device.shard);
        Self { orders, open, policy, entries, stop, lane: tokio::spawn(lane) }
    }

    /// One of a device that is connected.
    async fn online(stage: &Stage, device: &Assignment) -> (Self, Arc<FakeConnection>) {
        let lane = Self::offline(stage, device).await;
        let connection = lane.connect(0);
        (lane, connection)
    }

    /// The device is connected as one of its numbers.
    fn connect(&self, generation: u32) -> Arc<FakeConnection> {
        let connection = FakeConnection::detached();
        connection.connects_as(NUMBER);
        self.open.send_replace(Some(OpenConnection { connection: connection.clone(), generation }));
        connection
    }

    async fn catch_up(&self) {
        self.order(LaneOrder::CatchUp(CatchUpRequest::default())).await;
    }

    async fn order(&self, order: LaneOrder) {
        assert!(self.orders.send(order).await.is_ok(), "the lane is there");
    }

    /// Hands in a message, as a shard does that has received its entry.
    async fn queued(&self, stage: &Stage, device: &Assignment, message: &Message) {
        self.hand_in(
            SendMessageV1::of(&stage.row(device).await, message, message.created_at),
            "no such entry",
        )
        .await;
    }

    /// The same with an entry that the queue has.
    async fn received(&self, stage: &Stage, device: &Assignment, message: &Message) {
        stage.queue(device, message).await;
        for (payload, handle) in stage.receive_sends().await {
            self.hand_in(payload, &handle).await;
        }
    }

    async fn hand_in(&self, payload: SendMessageV1, handle: &str) {
        let entry = self.entries.hold(handle.to_owned());
        let turn = payload.turn.expect("what decides about its turn");
        self.order(LaneOrder::Send(Box::new(Job::queued(payload.message_id, turn, entry)))).await;
    }

    /// Its owner changed the device's row so.
    async fn change(&self, stage: &Stage, device: &Assignment, change: impl FnOnce(&mut Device)) {
        let mut row = stage.row(device).await;
        change(&mut row);
        self.policy.send_replace(SendPolicy::of(&row));
    }

    async fn end(self) {
        self.stop.cancel();
        self.lane.await.expect("a lane ends by itself");
    }
}

/// Waits until so many texts were sent; after how many seconds that was.
async fn seconds_until_sent(connection: &FakeConnection, count: usize) -> u64 {
    let began = Instant::now();
    while connection.sent().len() < count {
        assert!(began.elapsed() < Duration::from_secs(48 * 3600), "{count} texts are never sent");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    began.elapsed().as_secs()
}
