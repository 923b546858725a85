//! Entries of the queue of events as Lambda hands them over.

use std::collections::HashSet;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use shared::{
    queue::{QueueKind, payloads::EventsPayload},
    services::events::{EventLog, consume},
};

/// Writes entries to the log, and says which must come again: after the first of a tenant that fails, those
/// behind it, too, so that their order stays.
pub async fn write(log: &EventLog, event: SqsEvent) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    let mut failed = HashSet::new();
    for entry in event.records {
        let tenant = entry.attributes.get("MessageGroupId").cloned().unwrap_or_default();
        if failed.contains(&tenant) || !is_written(log, &entry).await {
            failed.insert(tenant);
            let mut again = BatchItemFailure::default();
            again.item_identifier = entry.message_id.unwrap_or_default();
            response.batch_item_failures.push(again);
        }
    }
    response
}

async fn is_written(log: &EventLog, entry: &SqsMessage) -> bool {
    let queues = &log.ctx().queues;
    let payload: EventsPayload =
        match queues.read(QueueKind::Events, entry.body.as_deref().unwrap_or_default()) {
            Ok(payload) => payload,
            Err(error) => {
                tracing::error!(
                    error = &*error as &dyn std::error::Error,
                    "an entry of the queue of events cannot be read"
                );
                return false;
            }
        };
    match consume(log, payload).await {
        Ok(()) => true,
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "events cannot be written to the log and will come again");
            false
        }
    }
}
