//! Running a router as a Lambda function.

use shared::{config::Config, services::Context, telemetry};

use crate::route::{Route, router};

/// Runs a function until Lambda ends it. Clients are made once, and no request goes out before the first
/// event.
pub async fn run(routes: Vec<Route>) -> Result<(), lambda_http::Error> {
    telemetry::init("info");
    let config = Config::from_env().inspect_err(|error| {
        tracing::error!(error = error as &dyn std::error::Error, "the function cannot start")
    })?;
    let ctx = Context::new(&config).await;
    lambda_http::run(router(ctx, routes)).await
}
