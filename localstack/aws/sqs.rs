//! SQS's protocol in front of the embedded queues.

use std::{path::Path, sync::Arc};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    http::HeaderMap,
    response::Response,
};
use rustack_sqs_core::{config::SqsConfig, handler::RustackSqsHandler, provider::RustackSqs};
use rustack_sqs_http::{dispatch::SqsHandler, response::error_to_response, router::resolve_operation};

use super::{EmbeddedError, durable_queues::DurableQueues};

/// Answers requests; what must not be lost lies in `file`.
pub(super) fn router(config: SqsConfig, file: &Path) -> Result<Router, EmbeddedError> {
    let provider = RustackSqsHandler::new(Arc::new(RustackSqs::new(config)));
    let queues = DurableQueues::open(provider, file)
        .map_err(|error| EmbeddedError::Database(file.display().to_string(), error.to_string()))?;
    // Queues have addresses of their own.
    Ok(Router::new().fallback(answer).with_state(Arc::new(queues)))
}

async fn answer(State(queues): State<Arc<DurableQueues>>, headers: HeaderMap, body: Bytes) -> Response {
    let answer = match resolve_operation(&headers) {
        Ok(operation) => queues.handle_operation(operation, body).await,
        Err(error) => Err(error),
    };
    answer.unwrap_or_else(|error| error_to_response(&error, "")).map(Body::new)
}
