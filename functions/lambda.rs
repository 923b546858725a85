//! Running as a Lambda function.

use lambda_http::Error;
use shared::{config::Config, services::Context, telemetry};

use crate::route::{Route, router};

/// Reads the environment and makes the clients, once. No request goes out before the first event.
///
/// # Errors
/// What is missing or not valid in the environment; it is logged, too.
pub async fn start() -> Result<Context, Error> {
    telemetry::init("info");
    let started = async {
        let config = Config::from_env()?;
        Ok::<_, Error>(Context::new(&config).await?)
    };
    started.await.inspect_err(|error| tracing::error!(%error, "the function cannot start"))
}

/// Runs an HTTP function until Lambda ends it.
///
/// # Errors
/// See [`start`].
pub async fn run(routes: Vec<Route>) -> Result<(), Error> {
    let ctx = start().await?;
    lambda_http::run(router(ctx, routes)).await
}
