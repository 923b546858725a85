//! The way to a device's actor and lane.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use shared::{domain::device::Device, queue::payloads::CommandPayload};
use tokio::{
    sync::{Notify, mpsc, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::actor;
use crate::{
    outbound::{
        Entry, Job,
        lane::{self, CatchUpRequest, Channels, LaneOrder, SendPolicy},
    },
    ownership::Assignment,
    worker::Worker,
};

/// Orders that may wait for a device. SQS hands out at most ten messages of one group at a time, and a device
/// has two groups.
const MAX_WAITING_ORDERS: usize = 64;

/// How long a device's lane, and then its actor, may take to come to their ends.
const END_TIMEOUT: Duration = Duration::from_secs(8);

/// Something for a device to do.
pub(crate) enum Order {
    /// Look at what the owner wants; with the device's row, when that has just been read.
    Look(Option<Box<Device>>),
    /// Answer a question to the socket.
    Command(Box<CommandPayload>),
    /// Send a message.
    Send(Box<Job>),
    /// Look into the outbox: it holds messages that no queue entry tells of.
    CatchUp(CatchUpRequest),
}

/// A device's running actor and lane.
pub(crate) struct DeviceHandle {
    assignment: Assignment,
    orders: mpsc::Sender<Order>,
    lane_orders: mpsc::Sender<LaneOrder>,
    in_hand: Arc<AtomicUsize>,
    stop_lane: CancellationToken,
    stop_actor: CancellationToken,
    actor: JoinHandle<()>,
    lane: JoinHandle<()>,
    former: Former,
}

/// Resolves when what ran for a device before has come to its end.
type Former = Shared<BoxFuture<'static, ()>>;

impl DeviceHandle {
    /// Starts a device's actor, which looks at what the owner wants, and its lane: at once, or when the `former`
    /// ones have come to their ends, since a device has one socket. `row` spares it the reading.
    pub fn start(
        worker: Worker,
        assignment: Assignment,
        row: Option<Box<Device>>,
        former: Option<Self>,
    ) -> Self {
        let former = end_of(former);
        let (orders, orders_in) = mpsc::channel(MAX_WAITING_ORDERS);
        let (lane_orders, lane_orders_in) = mpsc::channel(MAX_WAITING_ORDERS);
        let (open, open_in) = watch::channel(None);
        let (policy, policy_in) = watch::channel(SendPolicy::Unknown);
        let look = Arc::new(Notify::new());
        let in_hand = Arc::new(AtomicUsize::new(0));
        let (stop_lane, stop_actor) = (CancellationToken::new(), CancellationToken::new());
        let channels = Channels {
            orders: lane_orders_in,
            open: open_in,
            policy: policy_in,
            look: look.clone(),
            in_hand: in_hand.clone(),
        };
        let lane = lane::run(worker.clone(), assignment.clone(), channels, stop_lane.clone());
        let feed = actor::LaneFeed { open, policy, look, orders: lane_orders.clone() };
        let actor = actor::run(worker, assignment.clone(), row, orders_in, feed, stop_actor.clone());
        let (lane, actor) = (after(former.clone(), lane), after(former.clone(), actor));
        Self { assignment, orders, lane_orders, in_hand, stop_lane, stop_actor, actor, lane, former }
    }

    /// Hands over an order. Gives it back when the device's actor has ended.
    pub fn order(&self, order: Order) -> Result<(), Order> {
        if self.is_over() {
            return Err(order);
        }
        match order {
            Order::Send(job) => self.tell_lane(LaneOrder::Send(job)),
            Order::CatchUp(request) => self.tell_lane(LaneOrder::CatchUp(request)),
            order => match self.orders.try_send(order) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Closed(order)) => return Err(order),
                Err(mpsc::error::TrySendError::Full(_)) => {
                    tracing::warn!(device = %self.assignment.device, "a device has too many orders; one is dropped");
                }
            },
        }
        Ok(())
    }

    /// What finds no room, or no lane any more, goes back to the queue.
    fn tell_lane(&self, order: LaneOrder) {
        use mpsc::error::TrySendError::{Closed, Full};
        if let Err(Full(order) | Closed(order)) = self.lane_orders.try_send(order) {
            order.into_entry().into_iter().for_each(Entry::give_back);
        }
    }

    /// Whether the device has messages in hand.
    pub fn has_work(&self) -> bool {
        self.in_hand.load(Ordering::Acquire) > 0
    }

    /// Whether the device's actor or lane has come to its end: nothing is left of the device, or it failed.
    pub fn is_over(&self) -> bool {
        self.actor.is_finished() || self.lane.is_finished()
    }

    /// Whether nothing of it runs any more.
    pub fn has_ended(&self) -> bool {
        self.actor.is_finished() && self.lane.is_finished()
    }

    /// Lets what is left of one that is over come to its end, too.
    pub fn wind_down(&self) {
        self.stop_lane.cancel();
        self.stop_actor.cancel();
    }

    /// Finishes the send under way and closes the socket; the link stays. Who has lost the lease closes the
    /// socket first.
    pub async fn stop(self) {
        self.stop_lane.cancel();
        if !self.assignment.lease.holds() {
            self.stop_actor.cancel();
        }
        self.former.await;
        end(self.lane).await;
        self.stop_actor.cancel();
        drop(self.orders);
        end(self.actor).await;
    }
}

/// Stops what ran for a device before, beside everything else and to its end, whoever still waits for that.
fn end_of(former: Option<DeviceHandle>) -> Former {
    let Some(former) = former else { return futures::future::ready(()).boxed().shared() };
    let stopping = tokio::spawn(former.stop());
    stopping.map(drop).boxed().shared()
}

fn after(former: Former, work: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(async move {
        former.await;
        work.await;
    })
}

/// Waits for a task to end, but not for ever: the shard is to be handed over.
async fn end(mut task: JoinHandle<()>) {
    if tokio::time::timeout(END_TIMEOUT, &mut task).await.is_err() {
        tracing::warn!("a device did not come to its end in time and is dropped");
        task.abort();
        let _ended = task.await;
    }
}

#[cfg(test)]
#[path = "handle_tests.rs"]
mod tests;
