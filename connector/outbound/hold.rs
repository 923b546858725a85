//! Keeping a queue entry in hand while its message waits for its turn.

use std::time::Duration;

use shared::{
    queue::{QueueKind, Queues},
    services::Context,
};
use tokio::task::JoinHandle;

/// How long a queue entry stays hidden after each extension.
const VISIBILITY: Duration = Duration::from_secs(60);

/// How often it is extended: often enough that one failed try does no harm.
const EVERY: Duration = Duration::from_secs(20);

/// A queue entry that is extended until it is dropped.
pub(super) struct Hold {
    queues: Queues,
    shard: u16,
    handle: String,
    extending: JoinHandle<()>,
}

impl Hold {
    /// Holds an entry by its receipt handle.
    pub fn new(ctx: &Context, shard: u16, handle: String) -> Self {
        let (queues, entry) = (ctx.queues.clone(), [handle.clone()]);
        let extending = tokio::spawn(async move {
            loop {
                tokio::time::sleep(EVERY).await;
                if let Err(error) = queues.extend(QueueKind::Sends, shard, &entry, VISIBILITY).await {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(shard, error, "a queue entry could not be held; it may come again");
                }
            }
        });
        Self { queues: ctx.queues.clone(), shard, handle, extending }
    }

    /// The message is done: its entry goes.
    pub async fn delete(self) {
        let entry = [self.handle.clone()];
        if let Err(error) = self.queues.delete(QueueKind::Sends, self.shard, &entry).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(
                shard = self.shard,
                error,
                "a queue entry could not be deleted; it will come again"
            );
        }
    }

    /// The message is left to whoever serves the shard next: its entry is there again at once.
    pub async fn give_back(self) {
        let entry = [self.handle.clone()];
        if let Err(error) = self.queues.extend(QueueKind::Sends, self.shard, &entry, Duration::ZERO).await {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(shard = self.shard, error, "a queue entry comes back when its time is up");
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.extending.abort();
    }
}
