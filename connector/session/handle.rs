//! The way to a device's actor and lane.

use shared::{domain::ids::MessageId, queue::payloads::PairingCodeV1};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::{Place, actor};
use crate::{
    outbound::{Hold, InHand, lane},
    shard::Worker,
};

/// Orders that may wait for a device. SQS hands out at most ten messages of one group at a time.
const ROOM: usize = 32;

/// Something for a device to do.
#[derive(Debug)]
pub(crate) enum Order {
    /// Look at what the owner wants.
    Look,
    /// Answer with a pairing code.
    PairingCode(PairingCodeV1),
    /// Send a message; with the receipt handle to delete its queue entry by.
    Send(MessageId, String),
}

/// A device's running actor and lane.
pub(crate) struct DeviceHandle {
    orders: mpsc::Sender<Order>,
    sends: mpsc::Sender<(MessageId, Hold)>,
    worker: Worker,
    shard: u16,
    in_hand: InHand,
    stop: CancellationToken,
    actor: JoinHandle<()>,
    lane: JoinHandle<()>,
}

impl DeviceHandle {
    /// Starts a device's actor and its lane.
    pub fn start(worker: Worker, place: Place) -> Self {
        let (orders, orders_in) = mpsc::channel(ROOM);
        let (sends, sends_in) = mpsc::channel(ROOM);
        let (open, open_in) = watch::channel(None);
        let stop = CancellationToken::new();
        let lane = tokio::spawn(lane::run(worker.clone(), place, sends_in, open_in, stop.clone()));
        let actor = tokio::spawn(actor::run(worker.clone(), place, orders_in, open, stop.clone()));
        Self { orders, sends, worker, shard: place.shard, in_hand: InHand::default(), stop, actor, lane }
    }

    /// Hands over an order. Gives it back when the device's actor has ended.
    pub fn order(&self, order: Order) -> Result<(), Order> {
        if self.actor.is_finished() {
            return Err(order);
        }
        match order {
            // Held from here on, also while it waits behind others. One that finds no room comes again when
            // its visibility ends.
            Order::Send(message, handle) => {
                if let Ok(room) = self.sends.try_reserve() {
                    room.send((message, Hold::new(&self.worker.ctx, self.shard, handle, &self.in_hand)));
                }
                Ok(())
            }
            order => match self.orders.try_send(order) {
                Ok(()) => Ok(()),
                Err(mpsc::error::TrySendError::Closed(order)) => Err(order),
                Err(mpsc::error::TrySendError::Full(_)) => {
                    tracing::warn!("a device has too many orders; one is dropped");
                    Ok(())
                }
            },
        }
    }

    /// Whether the device has messages in hand.
    pub fn has_work(&self) -> bool {
        self.in_hand.any()
    }

    /// Whether the device's actor has come to its end: nothing is left of the device, or it failed.
    pub fn is_over(&self) -> bool {
        self.actor.is_finished()
    }

    /// Finishes the send under way and closes the socket; the link stays.
    pub async fn stop(self) {
        self.stop.cancel();
        let _ended = self.lane.await;
        drop(self.orders);
        let _ended = self.actor.await;
    }
}
