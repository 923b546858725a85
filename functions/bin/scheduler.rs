//! The `scheduler` function: what has to be done now and then. EventBridge calls it each minute.

use lambda_http::lambda_runtime::{self, Error, LambdaEvent, service_fn};
use serde::de::IgnoredAny;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let ctx = functions::lambda::start().await?;
    let ctx = &ctx;
    let tick = async |_: LambdaEvent<IgnoredAny>| functions::scheduler::tick(ctx).await.map_err(Error::from);
    lambda_runtime::run(service_fn(tick)).await
}
