//! Which shards this connector serves.

mod assignment;
mod balance;
mod lease;
mod leases;
#[cfg(test)]
mod leases_tests;
mod registry;
mod rows;
mod stall_detector;

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use tokio::sync::watch;

pub use assignment::Assignment;
pub use lease::{Epoch, Lease};
pub use leases::Leases;

/// How long a lease is good after the start of its last renewal, by its holder's clock: shorter than
/// [`TAKEOVER_AFTER`], so that what the holder has begun is over when another takes the shard.
const LEASE_DURATION: Duration = Duration::from_secs(8);

/// How long a counter stands still before whoever moves it counts as gone, by the clock of who looks.
const TAKEOVER_AFTER: Duration = Duration::from_secs(10);

/// Gives shards to this connector, and takes them away.
#[async_trait]
pub trait Ownership: Send + Sync {
    /// The shards that this connector holds, each with its lease. A shard that leaves the map, or
    /// changes its term, must be let go at once.
    fn held(&self) -> watch::Receiver<BTreeMap<u16, Lease>>;

    /// The shard's sockets are closed and nothing of it is in hand: another may take it.
    async fn released(&self, shard: u16);

    /// Gives up all shards and takes no more: each is still to be [released](Self::released).
    async fn leave(&self);

    /// The end: nothing is held any more.
    async fn close(&self);
}
