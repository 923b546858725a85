//! Embedded DynamoDB and SQS, on free loopback ports of this process. Whoever asks them shows the key of this start,
//! and is no web page.

mod admission;
mod durable_queues;
mod dynamodb;
mod sqs;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use axum::{Router, extract::DefaultBodyLimit, middleware::from_fn_with_state};
use dynoxide::Database;
use rusqlite::Connection;
use rustack_sqs_core::config::SqsConfig;
use shared::{config::AwsConfig, crypto};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::server::{Limits, Listener, Server};

/// How often rows whose time has passed are deleted, and what was deleted leaves the logs of the files.
const SWEEP: Duration = Duration::from_secs(60);

/// DynamoDB takes bodies of 16 MB.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// Connections to each of the two. The SDK's clients drop those that were idle for 90 s.
const LIMITS: Limits = Limits { connections: 1_024, idle: Duration::from_secs(120) };

/// The embedded pair, running.
pub(crate) struct EmbeddedAws {
    pub config: AwsConfig,
    /// Where it listens.
    pub ports: [u16; 2],
    servers: [Server; 2],
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// The embedded pair does not start.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// The database file cannot be used.
    #[error("the embedded database {0} cannot be opened: {1}")]
    Database(String, String),
    /// No port.
    #[error("no loopback port for the embedded services: {0}")]
    Port(#[from] std::io::Error),
}

impl EmbeddedAws {
    /// Starts both; DynamoDB keeps its data in one file, SQS in memory and what nothing else could bring back in
    /// another.
    pub async fn start(file: PathBuf, queues: PathBuf) -> Result<Self, EmbeddedError> {
        let key = crypto::random_token("local-");
        let db = dynamodb::open(&file)?;
        let (for_dynamodb, for_sqs) = (Listener::bind(0).await?, Listener::bind(0).await?);
        let at = for_sqs.address;
        let sqs = SqsConfig { host: at.ip().to_string(), port: at.port(), ..SqsConfig::default() };
        let sqs = sqs::router(sqs, &queues)?;
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(stop.clone().run_until_cancelled_owned(sweep(db.clone(), [file, queues])));
        let config = AwsConfig {
            dynamodb_endpoint: Some(format!("http://{}", for_dynamodb.address)),
            sqs_endpoint: Some(format!("http://{at}")),
            local_key: Some(key.clone()),
        };
        let ports = [for_dynamodb.address.port(), at.port()];
        let guarded = |router: Router| {
            let router = router.layer(DefaultBodyLimit::max(MAX_BODY));
            router.layer(from_fn_with_state(key.clone(), admission::admit))
        };
        let servers = [
            Server::start(for_dynamodb, guarded(dynamodb::router(db)), LIMITS),
            Server::start(for_sqs, guarded(sqs), LIMITS),
        ];
        Ok(Self { config, ports, servers, stop, tasks })
    }

    /// Stops both, once what they are doing is done.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        let stopping = async {
            futures::future::join_all(self.servers.map(Server::stop)).await;
            self.tasks.wait().await;
        };
        let _late = tokio::time::timeout(Duration::from_secs(3), stopping).await;
    }
}

async fn sweep(db: Database, files: [PathBuf; 2]) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let (db, files) = (db.clone(), files.clone());
        let swept = tokio::task::spawn_blocking(move || {
            if let Err(error) = db.sweep_ttl() {
                tracing::warn!(%error, "rows whose time has passed could not be deleted");
            }
            files.iter().try_for_each(|file| empty_log(file))
        });
        match swept.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "what was deleted is still in the log of a file"),
            Err(error) => tracing::warn!(%error, "a sweep of the files ended badly"),
        }
    }
}

/// Empties the write-ahead log of a file: SQLite overwrites what is deleted in the file (`.cargo/config.toml`), but its
/// log holds earlier pages until it is written anew. A busy log is left to the next time.
fn empty_log(file: &Path) -> rusqlite::Result<()> {
    let connection = Connection::open(file)?;
    // The first lets others write meanwhile and leaves little to the second, which does not.
    for mode in ["PASSIVE", "TRUNCATE"] {
        connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_connection_overwrites_what_it_deletes_and_no_log_keeps_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.sqlite");
        let file = Connection::open(&path).unwrap();
        file.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (v); INSERT INTO t VALUES ('marker');")
            .unwrap();
        assert_eq!(file.query_row("PRAGMA secure_delete", [], |row| row.get::<_, i64>(0)).unwrap(), 1);
        file.execute("DELETE FROM t", []).unwrap();
        empty_log(&path).unwrap();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            assert!(!bytes.windows(6).any(|at| at == b"marker"));
        }
    }
}
