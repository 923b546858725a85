//! One owned shard: its devices, and the receive loops of its two queues.

use std::{collections::HashMap, sync::Arc, time::Duration};

use shared::{
    clock::Timestamp,
    domain::{
        device::{Desired, Device, DeviceStatus},
        ids::{DeviceId, TenantId},
    },
    queue::{
        QueueKind, Received,
        payloads::{CommandPayload, SendPayload},
    },
    services::{Context, messages},
    store::devices,
};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::{
    inbound::KnownContacts,
    ownership::Epoch,
    retry::Backoff,
    session::{DeviceHandle, Order, Place},
    session_store::SessionStores,
    whatsapp::WhatsApp,
};

/// What every shard of a connector works with. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Worker {
    pub ctx: Context,
    pub keys: SessionStores,
    pub whatsapp: WhatsApp,
    pub contacts: KnownContacts,
}

/// How often a shard's outbox is swept.
const RECONCILE: Duration = Duration::from_secs(20);

/// Every how many sweeps the shard's devices are looked at.
const LOOK_ROUNDS: u32 = 15;

/// How long a message may take from its row to a connector's hands before it counts as forgotten: longer than
/// a queue entry stays hidden.
const OUTBOX_GRACE: Duration = Duration::from_secs(75);

struct Shard {
    worker: Worker,
    number: u16,
    epoch: Epoch,
    devices: Mutex<HashMap<DeviceId, DeviceHandle>>,
}

/// Serves a shard until `stop`, then lets it go.
pub(crate) async fn serve(worker: Worker, number: u16, epoch: Epoch, stop: CancellationToken) {
    let shard = Arc::new(Shard { worker, number, epoch, devices: Mutex::default() });
    let work = [
        tokio::spawn(until(stop.clone(), shard.clone().reconcile())),
        tokio::spawn(until(stop.clone(), shard.clone().receive_commands())),
        tokio::spawn(until(stop.clone(), shard.clone().receive_sends())),
    ];
    let _all_ended = futures::future::join_all(work).await;
    let devices = std::mem::take(&mut *shard.devices.lock().await);
    futures::future::join_all(devices.into_values().map(DeviceHandle::stop)).await;
}

async fn until(stop: CancellationToken, work: impl Future<Output = ()>) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
}

impl Shard {
    /// At the start and every now and then: takes up every wish that is not met, whatever became of the
    /// command that told of it, and every message that lost its queue entry.
    async fn reconcile(self: Arc<Self>) {
        for round in 0_u32.. {
            if round.is_multiple_of(LOOK_ROUNDS) {
                self.look().await;
            }
            // At the start the queue may have forgotten everything; later, only what has waited a while.
            let grace = if round == 0 { Duration::ZERO } else { OUTBOX_GRACE };
            self.sweep(grace).await;
            tokio::time::sleep(RECONCILE).await;
        }
    }

    /// Has every device looked at whose owner wants something of it.
    async fn look(&self) {
        let found = match devices::list_by_shard(&self.worker.ctx.db, self.number).await {
            Ok(found) => found,
            Err(error) => return self.log("the devices of a shard cannot be read yet", &error),
        };
        self.devices.lock().await.retain(|_, handle| !handle.is_over());
        for device in found.into_iter().filter(is_unfinished) {
            self.order(device.account_id, device.id, Order::Look).await;
        }
    }

    async fn sweep(&self, grace: Duration) {
        let now = self.worker.ctx.now();
        let before =
            Timestamp::from_unix_millis(now.unix_millis() - i64::try_from(grace.as_millis()).unwrap_or(0));
        // A device that has a message in hand has its others in the queue behind it.
        let devices = self.devices.lock().await;
        let busy =
            devices.iter().filter(|(_, handle)| handle.has_work()).map(|(device, _)| *device).collect();
        drop(devices);
        match messages::sweep_outbox(&self.worker.ctx, self.number, before, &busy).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(shard = self.number, count, "queued again what had no queue entry"),
            Err(error) => self.log("the outbox of a shard cannot be swept yet", &error),
        }
    }

    async fn receive_commands(self: Arc<Self>) {
        let mut backoff = Backoff::default();
        loop {
            let received: Vec<Received<CommandPayload>> = match self.receive(QueueKind::Commands).await {
                Ok(received) => received,
                Err(error) => {
                    self.log("commands cannot be received", &error);
                    tokio::time::sleep(backoff.next()).await;
                    continue;
                }
            };
            backoff.reset();
            let mut done = Vec::with_capacity(received.len());
            for command in received {
                let (tenant, device) = command.payload.device();
                let order = match command.payload {
                    CommandPayload::DeviceChangedV1(_) => Order::Look,
                    CommandPayload::PairingCodeV1(asked) => Order::PairingCode(asked),
                };
                self.order(tenant, device, order).await;
                done.push(command.receipt_handle);
            }
            // The wish is in the device's row: losing a command now costs nothing.
            if let Err(error) = self.worker.ctx.queues.delete(QueueKind::Commands, self.number, &done).await {
                self.log("commands cannot be deleted and will come again", &error);
            }
        }
    }

    async fn receive_sends(self: Arc<Self>) {
        let mut backoff = Backoff::default();
        loop {
            let received: Vec<Received<SendPayload>> = match self.receive(QueueKind::Sends).await {
                Ok(received) => received,
                Err(error) => {
                    self.log("sends cannot be received", &error);
                    tokio::time::sleep(backoff.next()).await;
                    continue;
                }
            };
            backoff.reset();
            for send in received {
                let SendPayload::V1(message) = send.payload;
                let order = Order::Send(message.message_id, send.receipt_handle);
                self.order(message.account_id, message.device_id, order).await;
            }
        }
    }

    async fn receive<T: serde::de::DeserializeOwned>(
        &self,
        kind: QueueKind,
    ) -> Result<Vec<Received<T>>, shared::queue::QueueError> {
        self.worker.ctx.queues.receive(kind, self.number).await
    }

    /// Hands an order to the device's actor, which is made when there is none (any more).
    async fn order(&self, tenant: TenantId, device: DeviceId, order: Order) {
        let mut devices = self.devices.lock().await;
        let handle = devices.entry(device).or_insert_with(|| self.new_handle(tenant, device));
        if let Err(order) = handle.order(order) {
            let fresh = self.new_handle(tenant, device);
            let looked = fresh.order(Order::Look);
            if looked.is_err() || fresh.order(order).is_err() {
                tracing::error!(%device, "a device takes no orders; its queue brings them back");
            }
            *handle = fresh;
        }
    }

    fn new_handle(&self, tenant: TenantId, device: DeviceId) -> DeviceHandle {
        let place = Place { tenant, device, shard: self.number, epoch: self.epoch };
        DeviceHandle::start(self.worker.clone(), place)
    }

    fn log(&self, what: &'static str, error: &(dyn std::error::Error + 'static)) {
        tracing::warn!(shard = self.number, error, "{what}");
    }
}

/// Whether the connector has something to do for a device.
fn is_unfinished(device: &Device) -> bool {
    match device.desired {
        Desired::Connected | Desired::Deleted => true,
        Desired::Disconnected => !matches!(
            device.status,
            DeviceStatus::Disconnected | DeviceStatus::LoggedOut | DeviceStatus::Failed
        ),
        Desired::LoggedOut => device.status != DeviceStatus::LoggedOut,
    }
}
