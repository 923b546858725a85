//! The `scheduler` function: what has to be done now and then. EventBridge calls it each minute.

// The AWS SDK nests its work deeply.
#![recursion_limit = "256"]

use functions::{first_admin::FirstAdministrator, lambda, scheduler};
use lambda_http::lambda_runtime::{self, Error, LambdaEvent, service_fn};
use serde::de::IgnoredAny;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let (ctx, admin) = (lambda::start().await?, FirstAdministrator::from_env());
    let (ctx, admin) = (&ctx, &admin);
    let tick = async |_: LambdaEvent<IgnoredAny>| {
        // What one of them cannot do keeps the other from nothing.
        let (made, done) = tokio::join!(admin.ensure(ctx), scheduler::tick(ctx));
        made.inspect_err(|error| {
            let cause = error as &dyn std::error::Error;
            tracing::error!(error = cause, "the first administrator (KURIR_ADMIN_EMAIL) cannot be made");
        })?;
        done.map_err(Error::from)
    };
    lambda_runtime::run(service_fn(tick)).await
}
