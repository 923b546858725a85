//! Running as a Lambda function.

use lambda_http::Error;
use shared::{config::Config, services::Context, telemetry};

use crate::route::{Route, router};

/// Reads the environment and makes the clients, once. No request goes out before the first event.
///
/// # Errors
/// What is missing or not valid in the environment; it is logged, too.
pub async fn start() -> Result<Context, Error> {
    telemetry::init("info", &[])?;
    let started = async {
        let config = Config::from_env()?;
        // Receivers of webhooks on this machine, for tests.
        #[cfg(feature = "sandbox")]
        let config =
            Config { urls: shared::outbound::UrlPolicy { allow_loopback: true, ..config.urls }, ..config };
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

/// Runs an HTTP function whose answers go out while they are made, until Lambda ends it.
///
/// # Errors
/// See [`start`].
pub async fn run_streaming(routes: Vec<Route>) -> Result<(), Error> {
    let ctx = start().await?;
    lambda_http::run_with_streaming_response(router(ctx, routes)).await
}
