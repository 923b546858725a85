//! What is done with an entry of the queue of events.

use super::EventLog;
use crate::{
    queue::payloads::EventsPayload,
    services::{Error, webhooks},
};

/// Writes an entry's events to the log, then queues them for the tenant's webhooks. Entries of a tenant must be
/// consumed in their order; one that comes again does no harm.
///
/// # Errors
/// The entry must come again, and none of the same tenant before it.
pub async fn consume(log: &EventLog, entry: EventsPayload) -> Result<(), Error> {
    let EventsPayload::V1(block) = entry;
    let tenant = block.account_id;
    let events = log.append(block).await?;
    webhooks::fan_out(log.ctx(), tenant, &events).await
}
