//! The connector as a process of its own, for a cloud account.

use std::process::ExitCode;

use connector::{Connector, whatsapp::WhatsAppConfig};
use shared::{config::Config, services::Context, telemetry};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> ExitCode {
    // The protocol library tells pairing codes and phone numbers at `info`.
    telemetry::init("warn,connector=info,shared=info");
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = &*error, "the connector does not run");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let config = Config::from_env()?;
    let ctx = Context::new(&config).await?;
    let whatsapp = WhatsAppConfig::from_env()?;
    let connector = Connector::start(ctx, &config.master_key, whatsapp)?;
    tracing::info!(worker = %connector.id(), version = env!("CARGO_PKG_VERSION"), "the connector is running");
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    tracing::info!("stopping: finishing what is under way");
    connector.stop().await;
    Ok(())
}
