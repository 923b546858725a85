//! What every use case works with.

use std::sync::Arc;

use aws_config::SdkConfig;

use crate::{
    aws,
    clock::{SharedClock, SystemClock, Timestamp},
    config::{Config, HttpPolicy},
    crypto::{KeyedHash, Sealer},
    cursor::Cursors,
    domain::plan::Plans,
    outbound::Outbound,
    passwords::Passwords,
    queue::Queues,
    services::{
        Charges,
        accounts::{Families, KeyError, Tokens},
        events::{Emitter, Tails},
        retention::Retentions,
        set_aside::Keeper,
    },
    store::Db,
};

/// The store, the queues, the clock and the keys of one deployment. Cheap to clone; made once per process.
#[derive(Clone)]
pub struct Context {
    /// DynamoDB.
    pub db: Db,
    /// SQS.
    pub queues: Queues,
    /// The time.
    pub clock: SharedClock,
    /// Cursors of lists.
    pub cursors: Cursors,
    /// Access tokens.
    pub tokens: Tokens,
    /// Which token families go on.
    pub families: Families,
    /// Who hashes passwords.
    pub passwords: Passwords,
    /// What stands in place of addresses of people and networks.
    pub pseudonyms: KeyedHash,
    /// The plans.
    pub plans: Arc<Plans>,
    /// What this process is counting.
    pub charges: Charges,
    /// Who may talk to the HTTP functions.
    pub http: Arc<HttpPolicy>,
    /// Whether strangers may register.
    pub registration_open: bool,
    /// Events on their way to the queue.
    pub emitter: Emitter,
    /// Who watches the event logs in this process.
    pub tails: Tails,
    /// The way to addresses that tenants give.
    pub outbound: Outbound,
    /// How long tenants' data is kept.
    pub retentions: Retentions,
    /// What could never be done, for an operator to see.
    pub set_aside: Keeper,
    /// Seals the secrets of webhooks.
    pub webhook_secrets: Sealer,
    /// What the pauses between tries of a webhook are multiplied with.
    pub webhook_retry_scale: f64,
}

impl Context {
    /// Sets everything up. No request goes out before the first use case.
    ///
    /// # Errors
    /// [`KeyError`] when a signing key cannot be used.
    pub async fn new(config: &Config) -> Result<Self, KeyError> {
        Self::over(&aws::sdk_config(&config.aws).await, config, Arc::new(SystemClock))
    }

    /// The same over a given way to AWS and a given clock.
    ///
    /// # Errors
    /// [`KeyError`]
    pub fn over(sdk: &SdkConfig, config: &Config, clock: SharedClock) -> Result<Self, KeyError> {
        let (db, queues) = (Db::new(sdk, config), Queues::new(sdk, config));
        let set_aside = Keeper::new(db.clone(), clock.clone());
        Ok(Self {
            db,
            emitter: Emitter::new(queues.clone(), set_aside.clone(), clock.clone()),
            retentions: Retentions::default(),
            set_aside,
            tails: Tails::default(),
            queues,
            clock,
            cursors: Cursors::new(&config.master_key),
            tokens: Tokens::new(&config.signing_keys)?,
            families: Families::default(),
            passwords: Passwords::default(),
            pseudonyms: config.master_key.keyed_hash("pseudonyms"),
            plans: Arc::new(config.plans.clone()),
            charges: Charges::default(),
            http: Arc::new(config.http.clone()),
            registration_open: config.registration_open,
            outbound: Outbound::new(config.urls.clone()),
            webhook_secrets: config.master_key.sealer("webhooks"),
            webhook_retry_scale: config.webhook_retry_scale,
        })
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
