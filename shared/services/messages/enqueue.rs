//! The second step of accepting a message: its queue entry.

use std::time::Duration;

use crate::{domain::device::Device, queue::QueueError, services::Context, store::devices};

/// How long a caller waits for SQS, which may hang: long before a function is stopped.
const ENQUEUE_TIMEOUT: Duration = Duration::from_secs(5);

/// Waits for a message of a device to be queued. It is accepted all the same when that fails: the outbox brings
/// it back, and what comes after it must not overtake it.
pub(super) async fn enqueue(
    ctx: &Context,
    device: &Device,
    queued: impl Future<Output = Result<(), QueueError>>,
) {
    match tokio::time::timeout(ENQUEUE_TIMEOUT, queued).await {
        Ok(Ok(())) => return,
        Ok(Err(error)) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(device = %device.id, error, "a message is not queued yet");
        }
        Err(_) => tracing::warn!(device = %device.id, "a message is not queued in time"),
    }
    if let Err(error) = devices::mark_gap(&ctx.db, device.account_id, device.id, ctx.now()).await {
        tracing::warn!(device = %device.id, error = &error as &dyn std::error::Error, "the gap is not marked");
    }
}
