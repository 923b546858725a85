//! Entries of the queue of deliveries as Lambda hands them over.

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures::future::join_all;
use shared::{
    queue::{QueueKind, payloads::DeliveryPayload},
    services::{Context, webhooks},
};

/// Delivers all of them at the same time, so that none waits for a receiver that is slow, and says which must
/// come again.
pub async fn deliver(ctx: &Context, event: SqsEvent) -> SqsBatchResponse {
    let handled = event.records.iter().map(|entry| is_handled(ctx, entry));
    let handled = join_all(handled).await;
    let mut response = SqsBatchResponse::default();
    for (entry, is_handled) in event.records.into_iter().zip(handled) {
        if !is_handled {
            let mut again = BatchItemFailure::default();
            again.item_identifier = entry.message_id.unwrap_or_default();
            response.batch_item_failures.push(again);
        }
    }
    response
}

async fn is_handled(ctx: &Context, entry: &SqsMessage) -> bool {
    let delivery = match ctx.queues.read(QueueKind::Deliveries, entry.body.as_deref().unwrap_or_default()) {
        Ok(DeliveryPayload::V1(delivery)) => delivery,
        Err(error) => {
            tracing::error!(
                error = &*error as &dyn std::error::Error,
                "an entry of the queue of deliveries cannot be read"
            );
            return false;
        }
    };
    match webhooks::deliver(ctx, &delivery).await {
        Ok(_) => true,
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(webhook = %delivery.webhook_id, error, "a delivery cannot be settled and will come again");
            false
        }
    }
}
