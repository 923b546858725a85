//! Lambda's place for the queue of deliveries: takes entries and hands them to the `webhook_delivery` function's
//! code, many at a time, yet not so many for one webhook or tenant that others had to wait.

mod turns;

use std::time::Duration;

use shared::{
    queue::{
        QueueKind, Received,
        payloads::{DeliveryPayload, DeliveryV1},
    },
    services::{Context, Error, webhooks},
};
use tokio::{sync::Semaphore, task::JoinHandle};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use turns::Turns;

/// Tries under way at most, all tenants together.
const AT_A_TIME: usize = 64;

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
    receiving: JoinHandle<()>,
}

impl Deliveries {
    /// Starts it.
    pub fn start(ctx: Context) -> Self {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (stopped, running) = (stop.clone(), tasks.clone());
        let receiving = tokio::spawn(async move {
            tokio::select! {
                () = stopped.cancelled() => {}
                () = receive(ctx, running) => {}
            }
        });
        Self { stop, tasks, receiving }
    }

    /// Takes no more entries, and waits for the tries under way.
    pub async fn stop(self) {
        self.stop.cancel();
        let _ended = self.receiving.await;
        self.tasks.close();
        if tokio::time::timeout(DRAIN, self.tasks.wait()).await.is_err() {
            tracing::warn!("deliveries were still under way when the gateway had to stop; they come again");
        }
    }
}

async fn receive(ctx: Context, tasks: TaskTracker) {
    let room = std::sync::Arc::new(Semaphore::new(AT_A_TIME));
    let turns = Turns::default();
    loop {
        let mut places = room.clone().acquire_many_owned(BATCH).await.expect("the semaphore is never closed");
        let received: Vec<Received<DeliveryPayload>> =
            match ctx.queues.receive(QueueKind::Deliveries, 0).await {
                Ok(received) => received,
                Err(error) => {
                    warn(&error, "deliveries cannot be received");
                    tokio::time::sleep(AWAY).await;
                    continue;
                }
            };
        for entry in received {
            let place = places.split(1).expect("there are as many places as entries");
            let (ctx, turns) = (ctx.clone(), turns.clone());
            tasks.spawn(async move {
                one(&ctx, &turns, entry).await;
                drop(place);
            });
        }
    }
}

/// Handles one entry, and deletes it unless it has to come again.
async fn one(ctx: &Context, turns: &Turns, entry: Received<DeliveryPayload>) {
    let DeliveryPayload::V1(delivery) = entry.payload;
    if let Err(error) = handle(ctx, turns, &delivery).await {
        warn(&error, "a delivery cannot be settled and will come again");
        return;
    }
    if let Err(error) = ctx.queues.delete(QueueKind::Deliveries, 0, &[entry.receipt_handle]).await {
        warn(&error, "a delivery that is done cannot be deleted from the queue and will come again");
    }
}

async fn handle(ctx: &Context, turns: &Turns, delivery: &DeliveryV1) -> Result<(), Error> {
    if webhooks::wait_for(ctx, delivery).is_some() {
        // It goes back to the queue and takes nobody's turn.
        return webhooks::deliver(ctx, delivery).await.map(drop);
    }
    match turns.take(delivery.account_id, delivery.webhook_id) {
        Ok(_turn) => webhooks::deliver(ctx, delivery).await.map(drop),
        Err(pause) => webhooks::send_on(ctx, delivery, pause).await,
    }
}

fn warn(error: &(dyn std::error::Error + 'static), what: &str) {
    tracing::warn!(error, "{what}");
}
