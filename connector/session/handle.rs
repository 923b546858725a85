//! The way to a device's actor and lane.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use shared::{domain::device::Device, queue::payloads::PairingCodeV1};
use tokio::{
    sync::{Notify, mpsc, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::{Place, actor};
use crate::{
    outbound::{
        Entry, Job,
        lane::{self, Ask, Ends, LaneOrder, Standing},
    },
    shard::Worker,
};

/// Orders that may wait for a device. SQS hands out at most ten messages of one group at a time, and a device
/// has two groups.
const ROOM: usize = 64;

/// How long a device's lane, and then its actor, may take to come to their ends.
const LONGEST_END: Duration = Duration::from_secs(8);

/// Something for a device to do.
pub(crate) enum Order {
    /// Look at what the owner wants; with the device's row, when that has just been read.
    Look(Option<Box<Device>>),
    /// Answer with a pairing code.
    PairingCode(PairingCodeV1),
    /// Send a message.
    Send(Box<Job>),
    /// Look into the outbox: it holds messages that no queue entry tells of.
    CatchUp(Ask),
}

/// A device's running actor and lane.
pub(crate) struct DeviceHandle {
    place: Place,
    orders: mpsc::Sender<Order>,
    lane_orders: mpsc::Sender<LaneOrder>,
    in_hand: Arc<AtomicUsize>,
    stop_lane: CancellationToken,
    stop_actor: CancellationToken,
    actor: JoinHandle<()>,
    lane: JoinHandle<()>,
}

impl DeviceHandle {
    /// Starts a device's actor, which looks at once at what the owner wants, and its lane. `row` spares it the
    /// reading.
    pub fn start(worker: Worker, place: Place, row: Option<Box<Device>>) -> Self {
        let (orders, orders_in) = mpsc::channel(ROOM);
        let (lane_orders, lane_orders_in) = mpsc::channel(ROOM);
        let (open, open_in) = watch::channel(None);
        let (standing, standing_in) = watch::channel(Standing::Unknown);
        let look = Arc::new(Notify::new());
        let in_hand = Arc::new(AtomicUsize::new(0));
        let (stop_lane, stop_actor) = (CancellationToken::new(), CancellationToken::new());
        let ends = Ends {
            orders: lane_orders_in,
            open: open_in,
            standing: standing_in,
            look: look.clone(),
            in_hand: in_hand.clone(),
        };
        let lane = tokio::spawn(lane::run(worker.clone(), place.clone(), ends, stop_lane.clone()));
        let tell = actor::Tell { open, standing, look, lane: lane_orders.clone() };
        let actor = tokio::spawn(actor::run(worker, place.clone(), row, orders_in, tell, stop_actor.clone()));
        Self { place, orders, lane_orders, in_hand, stop_lane, stop_actor, actor, lane }
    }

    /// Hands over an order. Gives it back when the device's actor has ended.
    pub fn order(&self, order: Order) -> Result<(), Order> {
        if self.is_over() {
            return Err(order);
        }
        match order {
            Order::Send(job) => self.tell_lane(LaneOrder::Send(job)),
            Order::CatchUp(ask) => self.tell_lane(LaneOrder::CatchUp(ask)),
            order => match self.orders.try_send(order) {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Closed(order)) => return Err(order),
                Err(mpsc::error::TrySendError::Full(_)) => {
                    tracing::warn!(device = %self.place.device, "a device has too many orders; one is dropped");
                }
            },
        }
        Ok(())
    }

    /// What finds no room, or no lane any more, goes back to the queue.
    fn tell_lane(&self, order: LaneOrder) {
        use mpsc::error::TrySendError::{Closed, Full};
        if let Err(Full(order) | Closed(order)) = self.lane_orders.try_send(order) {
            let entry = match order {
                LaneOrder::Send(job) => job.entry,
                LaneOrder::CatchUp(ask) => ask.entry,
            };
            entry.into_iter().for_each(Entry::give_back);
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

    /// Finishes the send under way and closes the socket; the link stays. Who has lost the lease closes the
    /// socket first.
    pub async fn stop(self) {
        self.stop_lane.cancel();
        if !self.place.lease.holds() {
            self.stop_actor.cancel();
        }
        end(self.lane).await;
        self.stop_actor.cancel();
        drop(self.orders);
        end(self.actor).await;
    }
}

/// Waits for a task to end, but not for ever: the shard is to be handed over.
async fn end(mut task: JoinHandle<()>) {
    if tokio::time::timeout(LONGEST_END, &mut task).await.is_err() {
        tracing::warn!("a device did not come to its end in time and is dropped");
        task.abort();
        let _ended = task.await;
    }
}
