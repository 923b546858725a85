//! One owned shard: its devices, and the receive loops of its two queues.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use shared::{
    domain::{
        device::{Desired, Device, DeviceStatus},
        ids::{DeviceId, TenantId},
    },
    queue::{
        QueueKind, Received,
        payloads::{CommandPayload, SendPayload},
    },
    store::{
        StoreError, devices,
        outbox::{self, Waiting},
    },
};
use tokio::{sync::Mutex, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    outbound::{Entries, Job, lane::CatchUpRequest},
    ownership::{Assignment, Lease},
    retry::Backoff,
    session::{DeviceHandle, Order},
    worker::Worker,
};

/// How often the shard's devices are looked at, whatever became of the commands that told of a wish.
const LOOK_INTERVAL: Duration = Duration::from_secs(300);

/// Just after a shard was taken over, the former holder's queue entries stay hidden and hold back what is
/// queued behind them. As long as that may last, the outbox tells what there is to send.
const TAKEOVER_PERIOD: Duration = Duration::from_secs(75);

/// How often it is asked meanwhile.
const TAKEOVER_LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// How many queue entries a shard has in hand at most.
const MAX_IN_HAND: usize = 2_000;

/// A moment in which entries that come one by one come together, so that fewer requests bring them; while more
/// than one device is at work.
const GATHER_PAUSE: Duration = Duration::from_millis(10);

struct Shard {
    worker: Worker,
    number: u16,
    lease: Lease,
    devices: Mutex<HashMap<DeviceId, DeviceHandle>>,
}

/// Serves a shard until `stop`, then lets it go.
pub(crate) async fn serve(worker: Worker, lease: Lease, stop: CancellationToken) {
    let (entries, settling) = Entries::start(worker.ctx.queues.clone(), lease.shard());
    let shard = Arc::new(Shard { worker, number: lease.shard(), lease, devices: Mutex::default() });
    let began = Instant::now();
    // What is sent first must not be overtaken by what the queue brings.
    until(stop.clone(), shard.clone().take_over()).await;
    let work = [
        tokio::spawn(until(stop.clone(), shard.clone().look_now_and_then(began))),
        tokio::spawn(until(stop.clone(), shard.clone().receive_commands())),
        tokio::spawn(until(stop.clone(), shard.clone().receive_sends(entries))),
    ];
    let _all_ended = futures::future::join_all(work).await;
    let devices = std::mem::take(&mut *shard.devices.lock().await);
    futures::future::join_all(devices.into_values().map(DeviceHandle::stop)).await;
    if shard.lease.holds() {
        settling.finish().await;
    }
}

async fn until(stop: CancellationToken, work: impl Future<Output = ()>) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
}

impl Shard {
    /// Takes up every device of whom its owner wants something, and what waits to be sent.
    async fn take_over(self: Arc<Self>) {
        let mut backoff = Backoff::default();
        loop {
            let (looked, caught_up) = tokio::join!(self.look(), self.catch_up());
            let Err(error) = looked.and(caught_up) else { return };
            self.log("a shard cannot be taken up yet", &error);
            tokio::time::sleep(backoff.next()).await;
        }
    }

    async fn look_now_and_then(self: Arc<Self>, began: Instant) {
        let mut looked = Instant::now();
        loop {
            let newly = began.elapsed() < TAKEOVER_PERIOD;
            tokio::time::sleep(if newly { TAKEOVER_LOOK_INTERVAL } else { LOOK_INTERVAL }).await;
            let outcome = if newly { self.catch_up().await } else { Ok(()) };
            let outcome = match looked.elapsed() >= LOOK_INTERVAL {
                true => {
                    looked = Instant::now();
                    outcome.and(self.look().await)
                }
                false => outcome,
            };
            if let Err(error) = outcome {
                self.log("a shard cannot be looked through", &error);
            }
        }
    }

    /// Has every device looked at whose owner wants something of it.
    async fn look(&self) -> Result<(), StoreError> {
        let found = devices::list_by_shard(&self.worker.ctx.db, self.number).await?;
        // What is over and not asked for any more goes, once all of it has come to its end.
        self.devices.lock().await.retain(|_, handle| {
            if handle.is_over() {
                handle.wind_down();
            }
            !handle.has_ended()
        });
        for device in found.into_iter().filter(is_unfinished) {
            let (tenant, id) = (device.account_id, device.id);
            self.order(tenant, id, Order::Look(Some(Box::new(device)))).await;
        }
        Ok(())
    }

    /// Has every device that has nothing in hand look into the outbox, when there is something of it.
    async fn catch_up(&self) -> Result<(), StoreError> {
        let waiting = outbox::first_of_each_device(&self.worker.ctx.db, self.number).await?;
        for Waiting { tenant, device, .. } in waiting {
            let busy = self.devices.lock().await.get(&device).is_some_and(DeviceHandle::has_work);
            if !busy {
                self.order(tenant, device, Order::CatchUp(CatchUpRequest::default())).await;
            }
        }
        Ok(())
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
                let CommandPayload { account_id: tenant, device_id: device, command_id, .. } =
                    command.payload;
                let order = match command_id {
                    Some(_) => Order::Command(Box::new(command.payload)),
                    None => Order::Look(None),
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

    async fn receive_sends(self: Arc<Self>, entries: Entries) {
        let mut backoff = Backoff::default();
        loop {
            while entries.count() >= MAX_IN_HAND {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            let received: Vec<Received<SendPayload>> = match self.receive(QueueKind::Sends).await {
                Ok(received) => received,
                Err(error) => {
                    self.log("sends cannot be received", &error);
                    tokio::time::sleep(backoff.next()).await;
                    continue;
                }
            };
            backoff.reset();
            let mut devices = HashSet::new();
            for send in received {
                let SendPayload::V1(message) = send.payload;
                let (tenant, device) = (message.account_id, message.device_id);
                devices.insert(device);
                let entry = entries.hold(send.receipt_handle);
                let order = match message.turn {
                    Some(turn) if message.after_gap => {
                        self.order(tenant, device, Order::CatchUp(CatchUpRequest { entry: None, gap: true }))
                            .await;
                        Order::Send(Box::new(Job::queued(message.message_id, turn, entry)))
                    }
                    Some(turn) => Order::Send(Box::new(Job::queued(message.message_id, turn, entry))),
                    None => Order::CatchUp(CatchUpRequest { entry: Some(entry), gap: message.after_gap }),
                };
                self.order(tenant, device, order).await;
            }
            if devices.len() > 1 || entries.count() > devices.len() {
                tokio::time::sleep(GATHER_PAUSE).await;
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
        let order = match devices.get(&device) {
            Some(known) => match known.order(order) {
                Ok(()) => return,
                Err(order) => order,
            },
            None => order,
        };
        // What is left of the former one goes first: a device has one socket. The fresh one waits for that, and
        // nobody else does.
        let former = devices.remove(&device);
        let assignment = Assignment { tenant, device, shard: self.number, lease: self.lease.clone() };
        // It begins with a look.
        let (row, order) = match order {
            Order::Look(row) => (row, None),
            order => (None, Some(order)),
        };
        let fresh = DeviceHandle::start(self.worker.clone(), assignment, row, former);
        if order.is_some_and(|order| fresh.order(order).is_err()) {
            tracing::error!(%device, "a device takes no orders; its queue brings them back");
        }
        devices.insert(device, fresh);
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

#[cfg(test)]
#[path = "shard_tests.rs"]
mod tests;
