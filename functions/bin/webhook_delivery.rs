//! The `webhook_delivery` function: sends events to webhooks. SQS calls it.

use aws_lambda_events::sqs::SqsEvent;
use lambda_http::lambda_runtime::{self, Error, LambdaEvent, service_fn};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let ctx = &functions::lambda::start().await?;
    let deliver = async |event: LambdaEvent<SqsEvent>| {
        Ok::<_, Error>(functions::webhook_delivery::deliver(ctx, event.payload).await)
    };
    lambda_runtime::run(service_fn(deliver)).await
}
