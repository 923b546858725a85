//! The program as a child of the gateway: one connector, told by its environment what to talk to.

use std::{io::Read, process::ExitCode};

use connector::{Connector, whatsapp::WhatsAppConfig};
use shared::{config::Config, services::Context};
use tokio::signal::unix::{SignalKind, signal};

/// Runs a connector until it is told to stop, or until the gateway has ended.
pub async fn run() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = &*error, "the connector does not run");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    end_with_parent()?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let config = Config::from_env()?;
    let ctx = Context::new(&config).await?;
    let connector = Connector::start(ctx, &config.master_key, WhatsAppConfig::from_env()?)?;
    tracing::info!(worker = %connector.id(), pid = std::process::id(), "a connector is running");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    let id = connector.id();
    tracing::info!(worker = %id, "stopping a connector: finishing what is under way");
    connector.stop().await;
    tracing::info!(worker = %id, "a connector has stopped");
    Ok(())
}

/// Ends this process when the gateway ends, however it does. Linux sees to it even while this process is
/// stopped or hangs; on any system, the end of standard input tells, also when the gateway ended before this
/// was called.
fn end_with_parent() -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    std::thread::Builder::new().name("lifeline".into()).spawn(|| {
        let mut nothing = [0; 64];
        while std::io::stdin().read(&mut nothing).is_ok_and(|read| read > 0) {}
        std::process::exit(1);
    })?;
    Ok(())
}
