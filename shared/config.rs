//! What a process is told by its environment.

use crate::{crypto::MasterKey, crypto::MasterKeyError, secret::Secret};

/// Settings that every part shares.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where AWS is.
    pub aws: AwsConfig,
    /// In front of every table's and queue's name (`KURIR_PREFIX`, default `kurir-`), so that several
    /// deployments can share one cloud account.
    pub prefix: String,
    /// The key from which encryption and signing keys derive (`KURIR_MASTER_KEY`).
    pub master_key: MasterKey,
    /// Whether strangers may register (`KURIR_REGISTRATION=open|closed`, default open).
    pub registration_open: bool,
}

/// Where AWS is. Empty means: as the AWS SDK finds out from the environment, which includes
/// `AWS_ENDPOINT_URL`.
#[derive(Debug, Clone, Default)]
pub struct AwsConfig {
    /// Endpoint of DynamoDB when it differs from the environment's: the embedded one.
    pub dynamodb_endpoint: Option<String>,
    /// Endpoint of SQS when it differs from the environment's: the embedded one.
    pub sqs_endpoint: Option<String>,
    /// Use fixed credentials and region: an endpoint on this machine checks none.
    pub local_credentials: bool,
}

/// The environment lacks something, or holds something that is not valid.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No master key.
    #[error("KURIR_MASTER_KEY is not set: 32 bytes in base64, for example from `openssl rand -base64 32`")]
    MasterKeyMissing,
    /// A master key that is none.
    #[error("KURIR_MASTER_KEY: {0}")]
    MasterKey(#[from] MasterKeyError),
    /// Neither open nor closed.
    #[error("KURIR_REGISTRATION must be `open` or `closed`, not `{0}`")]
    Registration(String),
}

impl Config {
    /// Reads the environment of a function or connector.
    pub fn from_env() -> Result<Self, ConfigError> {
        let key = std::env::var("KURIR_MASTER_KEY").map_err(|_| ConfigError::MasterKeyMissing)?;
        Self::with(AwsConfig::default(), MasterKey::from_base64(Secret::new(key).expose())?)
    }

    /// The same with AWS and master key given, as the local gateway does.
    pub fn with(aws: AwsConfig, master_key: MasterKey) -> Result<Self, ConfigError> {
        let registration_open = match std::env::var("KURIR_REGISTRATION").as_deref() {
            Err(_) | Ok("" | "open") => true,
            Ok("closed") => false,
            Ok(other) => return Err(ConfigError::Registration(other.into())),
        };
        let prefix = std::env::var("KURIR_PREFIX").unwrap_or_else(|_| "kurir-".into());
        Ok(Self { aws, prefix, master_key, registration_open })
    }
}
