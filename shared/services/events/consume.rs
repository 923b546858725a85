//! What is done with an entry of the queue of events.

use super::EventLog;
use crate::{
    queue::payloads::EventsPayload,
    services::Error,
};

/// Writes an entry's events to the log. Entries of a tenant must be consumed in their order; one that comes
/// again does no harm.
///
/// # Errors
/// The entry must come again, and none of the same tenant before it.
pub async fn consume(log: &EventLog, entry: EventsPayload) -> Result<(), Error> {
    let EventsPayload::V1(block) = entry;
    log.append(block).await?;
    Ok(())
}
