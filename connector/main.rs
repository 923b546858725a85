//! The connector as a process of its own, for a cloud account.

use std::{process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use connector::{
    Chosen, Connector, forget_sessions,
    health::HealthFile,
    whatsapp::{NORMAL_LINES, WhatsAppConfig},
};
use shared::{
    config::Config,
    domain::ids::{DeviceId, TenantId},
    services::{
        Context, check_shards,
        deployment::{self, KeyCheckError},
    },
    telemetry,
};
use tokio::signal::unix::{SignalKind, signal};

/// How often it logs how many sessions it has: autoscaling looks at it.
const SESSIONS_LOG_INTERVAL: Duration = Duration::from_secs(60);

/// Kurir's connector: holds WhatsApp sockets, sends what the queues have, stores what arrives.
///
/// It is told everything by its environment (docs/api.md, Settings) and stops on SIGTERM: it hands its shards to
/// others and finishes what it has in hand.
#[derive(Debug, Parser)]
#[command(version = shared::version(), name = "connector")]
struct Arguments {
    /// Say by the exit status whether the connector that runs here is well (0) or not (1): its last heartbeat that
    /// reached DynamoDB is younger than 30 s, by the file that KURIR_HEALTH_FILE names.
    #[arg(long)]
    healthcheck: bool,

    /// What to do instead of serving.
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Drop the Signal sessions and sender keys of devices, after a restore from a backup (docs/operations.md):
    /// their counters have been used, and contacts would take what comes next for what they have. Links stay.
    ForgetSessions {
        /// Only of this tenant's devices (`ten_…`).
        #[arg(long)]
        tenant: Option<TenantId>,
        /// Only of this device (`dev_…`).
        #[arg(long)]
        device: Option<DeviceId>,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // The protocol library tells pairing codes and phone numbers at `info`.
    if let Err(error) = telemetry::init("warn,connector=info,shared=info", &NORMAL_LINES) {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    if let Some(Command::ForgetSessions { tenant, device }) = arguments.command {
        return forget(Chosen { tenant, device });
    }
    match arguments.healthcheck {
        true => match HealthFile::from_env().check() {
            Ok(()) => ExitCode::SUCCESS,
            Err(unwell) => {
                eprintln!("not well: {unwell}");
                ExitCode::FAILURE
            }
        },
        false => serve(),
    }
}

#[tokio::main]
async fn forget(chosen: Chosen) -> ExitCode {
    let forgetting = async {
        let config = Config::from_env()?;
        let ctx = Context::new(&config).await?;
        Ok::<_, Box<dyn std::error::Error>>(forget_sessions(&ctx, &config.master_key, chosen).await?)
    };
    match forgetting.await {
        Ok(forgotten) => {
            println!("{forgotten}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!(error = &*error, "sessions are not forgotten");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn serve() -> ExitCode {
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
    let faults = tokio::select! {
        faults = deployment::check_connector(&ctx) => faults,
        _ = interrupt.recv() => return Ok(()),
        _ = terminate.recv() => return Ok(()),
    };
    if !faults.is_empty() {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        return Err(format!("the deployment is not as it should be: {}", faults.join("; ")).into());
    }
    match deployment::check_master_key(&ctx.db, &config.master_key).await {
        Err(error @ KeyCheckError::OtherKey) => {
            return Err(
                format!("{error}; put the right one into KURIR_MASTER_KEY (docs/operations.md)").into()
            );
        }
        // While DynamoDB is away, nothing is served anyway.
        Err(error @ KeyCheckError::Store(_)) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "the master key was not checked");
        }
        Ok(()) => {}
    }
    tokio::select! {
        checked = check_shards(&ctx) => checked?,
        _ = interrupt.recv() => return Ok(()),
        _ = terminate.recv() => return Ok(()),
    }
    let connector = Connector::start(ctx, &config.master_key, whatsapp)?;
    tracing::info!(worker = %connector.id(), version = shared::version(), "the connector is running");
    let noting = tokio::spawn(HealthFile::from_env().keep(connector.heartbeats()));
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        () = tell_sessions(&connector) => {}
    }
    tracing::info!("stopping: finishing what is under way");
    connector.stop().await;
    // A connector that was still busy when it had to stop goes on with its heartbeats.
    let _busy = tokio::time::timeout(Duration::from_secs(1), noting).await;
    Ok(())
}

/// `fields.sessions` in the log: what `infra/ecs.tf` makes a metric of.
async fn tell_sessions(connector: &Connector) {
    let mut ticks = tokio::time::interval(SESSIONS_LOG_INTERVAL);
    loop {
        ticks.tick().await;
        tracing::info!(sessions = connector.sessions(), "how many sessions there are");
    }
}
