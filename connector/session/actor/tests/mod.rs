//! The actor with a connection that does what the test says.

mod commands;
mod ends;
mod states;
mod wishes;

use shared::domain::device::DeviceStatus;
use tokio::task::JoinHandle;

use super::*;
use crate::testing::{FakeConnection, NUMBER, Stage};

/// A device's actor, and what its lane would hear.
struct Session {
    orders: mpsc::Sender<Order>,
    open: watch::Receiver<Option<OpenConnection>>,
    policy: watch::Receiver<SendPolicy>,
    lane: mpsc::Receiver<LaneOrder>,
    stop: CancellationToken,
    actor: JoinHandle<()>,
}

impl Session {
    fn start(stage: &Stage, device: &Assignment) -> Self {
        let (orders, orders_in) = mpsc::channel(8);
        let (lane_orders, lane) = mpsc::channel(8);
        let (open_out, open) = watch::channel(None);
        let (policy_out, policy) = watch::channel(SendPolicy::Unknown);
        let look = Arc::new(Notify::new());
        let feed = LaneFeed { open: open_out, policy: policy_out, look, orders: lane_orders };
        let stop = CancellationToken::new();
        let actor = run(stage.worker.clone(), device.clone(), None, orders_in, feed, stop.clone());
        Self { orders, open, policy, lane, stop, actor: tokio::spawn(actor) }
    }

    /// With a connection that is logged in.
    async fn connected(stage: &Stage, device: &Assignment) -> (Self, Arc<FakeConnection>) {
        let session = Self::start(stage, device);
        let connection = stage.whatsapp.connection(1).await;
        connection.connects_as(NUMBER);
        stage.becomes(device, DeviceStatus::Connected).await;
        (session, connection)
    }

    async fn order(&self, order: Order) {
        assert!(self.orders.send(order).await.is_ok(), "the actor is there");
    }

    /// Its owner wants something else, and the actor is told to look.
    async fn want(&self, stage: &Stage, device: &Assignment, desired: Desired) {
        stage.want(device, desired).await;
        self.order(Order::Look(None)).await;
    }
}

/// After how many seconds the `nth` connection is opened.
async fn seconds_until_connection(stage: &Stage, nth: usize) -> u64 {
    let began = Instant::now();
    stage.whatsapp.connection(nth).await;
    began.elapsed().as_secs()
}
