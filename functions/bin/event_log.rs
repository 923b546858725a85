//! The `event_log` function: writes what lies in the queue of events to the event log. SQS calls it.

// The AWS SDK nests its work deeply.
#![recursion_limit = "256"]

use aws_lambda_events::sqs::SqsEvent;
use lambda_http::lambda_runtime::{self, Error, LambdaEvent, service_fn};
use shared::services::events::EventLog;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let log = &EventLog::new(functions::lambda::start().await?);
    let write = async |event: LambdaEvent<SqsEvent>| {
        Ok::<_, Error>(functions::event_log::write(log, event.payload).await)
    };
    lambda_runtime::run(service_fn(write)).await
}
