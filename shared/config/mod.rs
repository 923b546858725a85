//! What a process is told by its environment.

mod http;
pub mod setting;
mod signing_keys;

use std::path::PathBuf;

pub use http::{HttpPolicy, parse_network};
pub use setting::InvalidSetting;
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
    /// A setting that is none of what it may be.
    #[error(transparent)]
    Setting(#[from] InvalidSetting),
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
        let key = setting::text("KURIR_MASTER_KEY").ok_or(ConfigError::MasterKeyMissing)?;
        Self::with(AwsConfig::default(), MasterKey::from_base64(Secret::new(key).expose())?)
    }

    /// The same with AWS and master key given, as the local gateway does.
    pub fn with(aws: AwsConfig, master_key: MasterKey) -> Result<Self, ConfigError> {
        let registration_open = setting::one_of("KURIR_REGISTRATION", &[("open", true), ("closed", false)])?;
        let file = |variable| setting::text(variable).map(PathBuf::from);
        let shards = setting::read("KURIR_SHARDS", "a number from 1 to 1024", |text| {
            text.parse().ok().filter(|shards| (1..=1024).contains(shards))
        })?;
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
        let prefix =
            setting::read("KURIR_PREFIX", "1 to 40 of the characters a-z A-Z 0-9 _ -", valid_prefix)?;
        let http = HttpPolicy::from_env()?;
        let urls =
            UrlPolicy { allow_http: setting::switch("KURIR_ALLOW_HTTP_URLS")?, ..UrlPolicy::default() };
        let webhook_retry_scale =
            setting::read("KURIR_WEBHOOK_RETRY_SCALE", "a number above 0 and at most 1", |text| {
                text.parse().ok().filter(|scale| *scale > 0.0 && *scale <= 1.0)
            })?;
        Ok(Self {
            aws,
            prefix: prefix.unwrap_or_else(|| "kurir-".into()),
            shards: shards.unwrap_or_else(queue::shards),
            master_key,
            signing_keys,
            registration_open: registration_open.unwrap_or(true),
            plans,
            http,
            urls,
            webhook_retry_scale: webhook_retry_scale.unwrap_or(1.0),
        })
    }
}

/// What both DynamoDB and SQS take in names, and short enough to leave room for the rest of the name.
fn valid_prefix(text: &str) -> Option<String> {
    const MAX_CHARS: usize = 40;
    let valid = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (text.len() <= MAX_CHARS && text.chars().all(valid)).then(|| text.to_owned())
}
