//! Keeping a queue entry in hand while its message waits for its turn.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

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
pub(crate) struct Hold {
    queues: Queues,
    shard: u16,
    handle: String,
    extending: JoinHandle<()>,
    _counted: Counted,
}

/// How many entries of a device are in hand. Clones count together.
#[derive(Debug, Clone, Default)]
pub(crate) struct InHand(Arc<AtomicUsize>);

impl InHand {
    /// Whether there are any.
    pub fn any(&self) -> bool {
        self.0.load(Ordering::Acquire) > 0
    }

    fn count(&self) -> Counted {
        self.0.fetch_add(1, Ordering::AcqRel);
        Counted(self.clone())
    }
}

struct Counted(InHand);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Hold {
    /// Holds an entry by its receipt handle.
    pub fn new(ctx: &Context, shard: u16, handle: String, in_hand: &InHand) -> Self {
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
        Self { queues: ctx.queues.clone(), shard, handle, extending, _counted: in_hand.count() }
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
