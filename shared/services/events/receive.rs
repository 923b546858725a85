//! Consuming the queue of events where no Lambda does: on one machine.

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use super::{EventLog, consume};
use crate::{
    queue::{QueueError, QueueKind, Queues, Received, payloads::EventsPayload},
    services::Error,
};

/// Entries in hand at most: no two of them are of one tenant.
const AT_A_TIME: usize = 32;

/// How long an entry that failed stays hidden, and with it its tenant's others.
const RETRY_DELAY: Duration = Duration::from_secs(5);

/// The pause after the queue could not be asked.
const AWAY: Duration = Duration::from_secs(1);

/// Takes entries for as long as it is polled. An entry that is cut off comes again.
pub async fn receive(log: Arc<EventLog>) {
    let queues = log.ctx().queues.clone();
    let room = Arc::new(Semaphore::new(AT_A_TIME));
    loop {
        // One request may bring ten.
        let ten = room.clone().acquire_many_owned(10).await.expect("the semaphore is never closed");
        drop(ten);
        let received: Vec<Received<EventsPayload>> = match queues.receive(QueueKind::Events, 0).await {
            Ok(received) => received,
            Err(error) => {
                log_away(&error);
                tokio::time::sleep(AWAY).await;
                continue;
            }
        };
        for entry in received {
            let place = room.clone().acquire_owned().await.expect("the semaphore is never closed");
            let (log, queues) = (log.clone(), queues.clone());
            tokio::spawn(async move {
                one(&log, &queues, entry).await;
                drop(place);
            });
        }
    }
}

async fn one(log: &EventLog, queues: &Queues, entry: Received<EventsPayload>) {
    let handle = [entry.receipt_handle];
    let outcome = match consume(log, entry.payload).await.map_err(report) {
        Ok(()) => queues.delete(QueueKind::Events, 0, &handle).await,
        Err(()) => queues.extend(QueueKind::Events, 0, &handle, RETRY_DELAY).await,
    };
    if let Err(error) = outcome {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(error, "an entry of events cannot be given back or deleted; it will come again");
    }
}

fn report(error: Error) {
    let error = &error as &dyn std::error::Error;
    tracing::warn!(error, "events cannot be written to the log and will come again");
}

fn log_away(error: &QueueError) {
    let error = error as &dyn std::error::Error;
    tracing::warn!(error, "events cannot be received");
}
