//! What a process is told by its environment.

mod http;
mod signing_keys;

use std::path::PathBuf;

pub use http::{HttpPolicy, parse_network};
pub use signing_keys::{DERIVED_ID, KeyMaterial, SigningKey};

use crate::{
    crypto::{MasterKey, MasterKeyError},
    domain::plan::{Plans, PlansError},
    outbound::UrlPolicy,
    queue,
    secret::Secret,
};

/// Settings that every part shares.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where AWS is.
    pub aws: AwsConfig,
    /// In front of every table's and queue's name (`KURIR_PREFIX`, default `kurir-`), so that several
    /// deployments can share one cloud account.
    pub prefix: String,
    /// How many shards new devices are spread over (`KURIR_SHARDS`, 1 to 1024, default from
    /// `infra/queues.json`). A device stays in its shard: with fewer shards than before, nobody serves the
    /// devices of those that are gone.
    pub shards: u16,
    /// The key from which encryption and signing keys derive (`KURIR_MASTER_KEY`).
    pub master_key: MasterKey,
    /// What signs and verifies access tokens (`KURIR_JWT_KEYS_FILE`, default derived from the master key).
    pub signing_keys: Vec<SigningKey>,
    /// Whether strangers may register (`KURIR_REGISTRATION=open|closed`, default open).
    pub registration_open: bool,
    /// The plans (`KURIR_PLANS_FILE`, default those that Kurir ships with).
    pub plans: Plans,
    /// Who may talk to the HTTP functions.
    pub http: HttpPolicy,
    /// Which addresses tenants may give (`KURIR_ALLOW_HTTP_URLS=1` allows `http`). That this machine is among
    /// them is up to sandbox builds, and not to the environment.
    pub urls: UrlPolicy,
    /// What the pauses between tries of a webhook are multiplied with (`KURIR_WEBHOOK_RETRY_SCALE`, above 0, at
    /// most 1, default 1), so that tests need not wait for hours.
    pub webhook_retry_scale: f64,
}

/// Where AWS is. Empty means: as the AWS SDK finds out from the environment, which includes
/// `AWS_ENDPOINT_URL`.
#[derive(Debug, Clone, Default)]
pub struct AwsConfig {
    /// Endpoint of DynamoDB when it differs from the environment's: the embedded one.
    pub dynamodb_endpoint: Option<String>,
    /// Endpoint of SQS when it differs from the environment's: the embedded one.
    pub sqs_endpoint: Option<String>,
    /// The access key of endpoints on this machine, in place of the environment's credentials and region. The
    /// embedded pair admits who has this start's; other emulators take any.
    pub local_key: Option<Secret>,
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
    /// No number of shards.
    #[error("KURIR_SHARDS must be a number from 1 to 1024, not `{0}`")]
    Shards(String),
    /// No scale.
    #[error("KURIR_WEBHOOK_RETRY_SCALE must be a number above 0 and at most 1, not `{0}`")]
    RetryScale(String),
    /// Neither yes nor no.
    #[error("{0} must be `1` or `0`, not `{1}`")]
    Switch(&'static str, String),
    /// No network.
    #[error("{variable} has `{text}`, which is no address or network like 10.0.0.0/8")]
    Network {
        /// The variable.
        variable: &'static str,
        /// What it has.
        text: String,
    },
    /// The plans file cannot be read.
    #[error("KURIR_PLANS_FILE {0}: {1}")]
    PlansFile(PathBuf, std::io::Error),
    /// The plans file is not valid.
    #[error("KURIR_PLANS_FILE: {0}")]
    Plans(#[from] PlansError),
    /// The keys file is not usable.
    #[error("KURIR_JWT_KEYS_FILE {path}: {reason}")]
    SigningKeys {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
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
        let file = |variable| std::env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from);
        let shards = match std::env::var("KURIR_SHARDS") {
            Err(_) => queue::shards(),
            Ok(text) if text.is_empty() => queue::shards(),
            Ok(text) => match text.parse() {
                Ok(shards @ 1..=1024) => shards,
                _ => return Err(ConfigError::Shards(text)),
            },
        };
        let signing_keys = match file("KURIR_JWT_KEYS_FILE") {
            Some(path) => signing_keys::read(&path, &master_key)?,
            None => vec![signing_keys::derived(&master_key)],
        };
        let plans = match file("KURIR_PLANS_FILE") {
            Some(path) => {
                let text = std::fs::read_to_string(&path);
                Plans::parse(&text.map_err(|error| ConfigError::PlansFile(path, error))?)?
            }
            None => Plans::built_in(),
        };
        let prefix = std::env::var("KURIR_PREFIX").unwrap_or_else(|_| "kurir-".into());
        let http = HttpPolicy::from_env()?;
        let urls = UrlPolicy { allow_http: switch("KURIR_ALLOW_HTTP_URLS")?, ..UrlPolicy::default() };
        let webhook_retry_scale = match std::env::var("KURIR_WEBHOOK_RETRY_SCALE") {
            Err(_) => 1.0,
            Ok(text) if text.is_empty() => 1.0,
            Ok(text) => match text.parse() {
                Ok(scale) if scale > 0.0 && scale <= 1.0 => scale,
                _ => return Err(ConfigError::RetryScale(text)),
            },
        };
        Ok(Self {
            aws,
            prefix,
            shards,
            master_key,
            signing_keys,
            registration_open,
            plans,
            http,
            urls,
            webhook_retry_scale,
        })
    }
}

/// A variable that is `1` or `0`; without it, or empty, it is off.
fn switch(variable: &'static str) -> Result<bool, ConfigError> {
    match std::env::var(variable).unwrap_or_default().as_str() {
        "" | "0" | "false" => Ok(false),
        "1" | "true" => Ok(true),
        other => Err(ConfigError::Switch(variable, other.into())),
    }
}
