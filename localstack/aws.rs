//! Embedded DynamoDB and SQS, on free loopback ports of this process.

use std::{path::Path, sync::Arc, time::Duration};

use dynoxide::Database;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
};
use rustack_sqs_core::{config::SqsConfig, handler::RustackSqsHandler, provider::RustackSqs};
use rustack_sqs_http::service::{SqsHttpConfig, SqsHttpService};
use shared::config::AwsConfig;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::durable_queues::DurableQueues;

/// How often rows whose time has passed are deleted.
const TTL_SWEEP: Duration = Duration::from_secs(60);

/// The embedded pair, running.
pub(crate) struct EmbeddedAws {
    pub config: AwsConfig,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// The embedded pair does not start.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// The database file cannot be used.
    #[error("the embedded database {0} cannot be opened: {1}; start afresh with --reset")]
    Database(String, String),
    /// No port.
    #[error("no loopback port for the embedded services: {0}")]
    Port(#[from] std::io::Error),
}

impl EmbeddedAws {
    /// Starts both; DynamoDB keeps its data in one file, SQS in memory and what nothing else could bring back in
    /// another.
    pub async fn start(file: &Path, queues: &Path) -> Result<Self, EmbeddedError> {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let config = AwsConfig {
            dynamodb_endpoint: Some(start_dynamodb(file, &stop, &tasks).await?),
            sqs_endpoint: Some(start_sqs(queues, &stop, &tasks).await?),
            local_credentials: true,
        };
        Ok(Self { config, stop, tasks })
    }

    /// Stops both, once what they are doing is done.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        let _late = tokio::time::timeout(Duration::from_secs(3), self.tasks.wait()).await;
    }
}

async fn start_dynamodb(
    file: &Path,
    stop: &CancellationToken,
    tasks: &TaskTracker,
) -> Result<String, EmbeddedError> {
    let name = file.display().to_string();
    let failed = |error: dynoxide::DynoxideError| EmbeddedError::Database(name.clone(), error.to_string());
    let db = Database::new(&name).map_err(failed)?;
    // The pair of calls leaves SQLite in WAL mode with `synchronous = NORMAL`: safe against the death of
    // this process, and several times as fast.
    db.enable_bulk_loading().map_err(failed)?;
    db.disable_bulk_loading().map_err(failed)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    tasks.spawn(sweep(db.clone(), stop.clone()));
    let stopped = stop.clone().cancelled_owned();
    tasks.spawn(async move {
        if let Err(error) = dynoxide::server::serve_with_shutdown(listener, db, stopped).await {
            tracing::error!(error, "the embedded DynamoDB ended");
        }
    });
    Ok(endpoint)
}

async fn sweep(db: Database, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(TTL_SWEEP) => {}
        }
        let db = db.clone();
        match tokio::task::spawn_blocking(move || db.sweep_ttl()).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "rows whose time has passed could not be deleted"),
            Err(error) => tracing::warn!(%error, "the sweep of rows whose time has passed ended badly"),
        }
    }
}

async fn start_sqs(
    file: &Path,
    stop: &CancellationToken,
    tasks: &TaskTracker,
) -> Result<String, EmbeddedError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let config = SqsConfig { host: address.ip().to_string(), port: address.port(), ..SqsConfig::default() };
    let provider = Arc::new(RustackSqs::new(config));
    let queues = DurableQueues::open(RustackSqsHandler::new(provider), file)
        .map_err(|error| EmbeddedError::Database(file.display().to_string(), error.to_string()))?;
    let service = SqsHttpService::new(Arc::new(queues), SqsHttpConfig::default());
    let (stop, connections) = (stop.clone(), tasks.clone());
    tasks.spawn(async move {
        loop {
            let stream = tokio::select! {
                () = stop.cancelled() => return,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        tracing::warn!(%error, "the embedded SQS could not take a connection");
                        tokio::time::sleep(Duration::from_millis(100)).await;
                        continue;
                    }
                },
            };
            let (service, stop) = (service.clone(), stop.clone());
            connections.spawn(async move {
                let builder = Builder::new(TokioExecutor::new());
                let serving = builder.serve_connection(TokioIo::new(stream), service);
                tokio::select! {
                    () = stop.cancelled() => {}
                    // A client that goes away in the middle is no fault of ours.
                    _ended = serving => {}
                }
            });
        }
    });
    Ok(format!("http://{address}"))
}
