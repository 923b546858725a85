//! Why the gateway does not start, and what to do about it.

use std::io;

use shared::{
    config::{ConfigError, InvalidSetting},
    queue,
    services::{self, deployment::KeyCheckError},
    store,
};

use crate::{aws::EmbeddedError, data_dir::DataDirError};

/// The gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody else listens there.
    #[error(
        "port {port} on 127.0.0.1 is in use: stop what uses it, or choose another with {flag} or {variable}"
    )]
    PortInUse {
        /// The port.
        port: u16,
        /// The flag that chooses another.
        flag: &'static str,
        /// The environment variable that does.
        variable: &'static str,
    },
    /// The port cannot be had for another reason.
    #[error("cannot listen on 127.0.0.1:{port}: {source}")]
    Listen {
        /// The port.
        port: u16,
        /// Why.
        source: io::Error,
    },
    /// The system gives no threads.
    #[error("no threads can be started: {0}")]
    Threads(#[source] io::Error),
    /// The stored data were sealed by another master key.
    #[error("{why}: put that key back into {place}, or {other_way}")]
    OtherKey {
        /// What it is about.
        why: KeyCheckError,
        /// Where this start has its key from.
        place: String,
        /// How to do without the key.
        other_way: String,
    },
    /// The data folder.
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    /// The environment.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// One setting.
    #[error(transparent)]
    Setting(#[from] InvalidSetting),
    /// The keys that sign access tokens.
    #[error(transparent)]
    SigningKey(#[from] services::accounts::KeyError),
    /// The embedded DynamoDB or SQS.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// Making the tables.
    #[error("the tables cannot be made at {0}: {1}")]
    Tables(String, #[source] store::StoreError),
    /// Making the queues.
    #[error("the queues cannot be made: {0}")]
    Queues(#[source] queue::QueueError),
    /// Finding out whether the master key is the right one.
    #[error(transparent)]
    KeyCheck(KeyCheckError),
    /// Freeing what an earlier start held.
    #[error("the leases of an earlier start cannot be freed: {0}")]
    Leases(#[source] store::StoreError),
    /// Fewer shards than before.
    #[error(transparent)]
    Shards(#[from] services::LostShards),
    /// Dropping sessions.
    #[error(transparent)]
    Forget(#[from] connector::ForgetError),
    /// Making the administrator.
    #[error("the administrator cannot be made: {0}")]
    Admin(#[from] services::Error),
    /// The connector.
    #[error(transparent)]
    Connector(#[from] connector::StartError),
    /// The connectors in processes of their own.
    #[error("the connectors cannot be started: {0}")]
    Connectors(#[source] io::Error),
    /// The sandbox WhatsApp server.
    #[cfg(feature = "sandbox")]
    #[error("the sandbox WhatsApp server does not start: {0}")]
    Sandbox(#[from] crate::whatsapp::SandboxError),
}
