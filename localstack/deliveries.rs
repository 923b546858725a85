//! Stands in for Lambda at the queues of deliveries: takes entries and hands them to the `webhook_delivery` function's
//! code, many at a time, yet not so many for one webhook or tenant that others had to wait. Slow receivers have a queue
//! and a pool of their own.

mod pool;

use std::{sync::Arc, time::Duration};

use pool::Pool;
use shared::{
    queue::{
        QueueKind, Received,
        payloads::{DeliveryPayload, DeliveryV1},
    },
    services::{Context, Error, webhooks},
};
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The queues, each with how many tries of it are under way at most, all tenants together.
const POOLS: [(QueueKind, usize); 2] = [(QueueKind::Deliveries, 128), (QueueKind::SlowDeliveries, 32)];

/// Entries in hand beyond those that are being tried: they go back to the queue in a moment.
const SPARE: usize = 40;

/// What one request to the queue may bring.
const BATCH: u32 = 10;

/// The pause after the queue could not be asked.
const AWAY: Duration = Duration::from_secs(1);

/// The longest that a stop waits for tries under way: a try may take 15 s.
const DRAIN: Duration = Duration::from_secs(17);

/// The runner of deliveries.
pub(crate) struct Deliveries {
    stop: CancellationToken,
    tasks: TaskTracker,
    receiving: JoinSet<()>,
}

impl Deliveries {
    /// Starts it.
    pub fn start(ctx: Context) -> Self {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let mut receiving = JoinSet::new();
        for (queue, connections) in POOLS {
            let (ctx, stopped, running) = (ctx.clone(), stop.clone(), tasks.clone());
            receiving.spawn(async move {
                tokio::select! {
                    () = stopped.cancelled() => {}
                    () = receive(ctx, queue, connections, running) => {}
                }
            });
        }
        Self { stop, tasks, receiving }
    }

    /// Takes no more entries, and waits for the tries under way.
    pub async fn stop(self) {
        self.stop.cancel();
        self.receiving.join_all().await;
        self.tasks.close();
        if tokio::time::timeout(DRAIN, self.tasks.wait()).await.is_err() {
            tracing::warn!("deliveries were still under way when the gateway had to stop; they come again");
        }
    }
}

async fn receive(ctx: Context, queue: QueueKind, connections: usize, tasks: TaskTracker) {
    let in_hand = Arc::new(Semaphore::new(connections + SPARE));
    let pool = Pool::new(connections);
    loop {
        let mut room =
            in_hand.clone().acquire_many_owned(BATCH).await.expect("the semaphore is never closed");
        let received: Vec<Received<DeliveryPayload>> = match ctx.queues.receive(queue, 0).await {
            Ok(received) => received,
            Err(error) => {
                warn(&error, "deliveries cannot be received");
                tokio::time::sleep(AWAY).await;
                continue;
            }
        };
        for entry in received {
            let held = room.split(1).expect("a request brings no more entries than there is room for");
            let (ctx, pool) = (ctx.clone(), pool.clone());
            tasks.spawn(async move {
                one(&ctx, queue, &pool, entry).await;
                drop(held);
            });
        }
    }
}

/// Handles one entry, and deletes it unless it has to come again.
async fn one(ctx: &Context, queue: QueueKind, pool: &Pool, entry: Received<DeliveryPayload>) {
    let DeliveryPayload::V1(delivery) = entry.payload;
    if let Err(error) = handle(ctx, pool, &delivery).await {
        warn(&error, "a delivery cannot be settled and will come again");
        return;
    }
    if let Err(error) = ctx.queues.delete(queue, 0, &[entry.receipt_handle]).await {
        warn(&error, "a delivery that is done cannot be deleted from the queue and will come again");
    }
}

async fn handle(ctx: &Context, pool: &Pool, delivery: &DeliveryV1) -> Result<(), Error> {
    if webhooks::wait_for(ctx, delivery).is_some() {
        // It goes back to the queue and needs no connection.
        return webhooks::deliver(ctx, delivery).await.map(drop);
    }
    match pool.take(delivery.account_id, delivery.webhook_id) {
        Ok(_permit) => webhooks::deliver(ctx, delivery).await.map(drop),
        Err(pause) => webhooks::send_on(ctx, delivery, pause).await,
    }
}

fn warn(error: &(dyn std::error::Error + 'static), what: &str) {
    tracing::warn!(error, "{what}");
}
