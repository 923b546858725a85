//! What every use case works with.

use std::sync::Arc;

use crate::{
    aws,
    clock::{SharedClock, SystemClock, Timestamp},
    config::Config,
    cursor::Cursors,
    queue::Queues,
    services::accounts::Tokens,
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
    /// Whether strangers may register.
    pub registration_open: bool,
}

impl Context {
    /// Sets everything up. No request goes out before the first use case.
    pub async fn new(config: &Config) -> Self {
        let sdk = aws::sdk_config(&config.aws).await;
        Self {
            db: Db::new(&sdk, config),
            queues: Queues::new(&sdk, config),
            clock: Arc::new(SystemClock),
            cursors: Cursors::new(&config.master_key),
            tokens: Tokens::new(&config.master_key),
            registration_open: config.registration_open,
        }
    }

    /// The current time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}
