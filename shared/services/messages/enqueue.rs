//! The second step of accepting a message: its queue entry.

use crate::{domain::device::Device, queue::QueueError, services::Context, store::devices};

/// Waits for a message of a device to be queued. It is accepted all the same when that fails: the outbox brings
/// it back, and what comes after it must not overtake it.
pub(super) async fn enqueue(
    ctx: &Context,
    device: &Device,
    queued: impl Future<Output = Result<(), QueueError>>,
) {
    let Err(error) = queued.await else { return };
    tracing::warn!(device = %device.id, error = &error as &dyn std::error::Error, "a message is not queued yet");
    if let Err(error) = devices::mark_gap(&ctx.db, device.account_id, device.id, ctx.now()).await {
        tracing::warn!(device = %device.id, error = &error as &dyn std::error::Error, "the gap is not marked");
    }
}
