//! Which shards this connector serves.

mod every_shard;

use std::collections::BTreeMap;

use async_trait::async_trait;
use tokio::sync::watch;

pub use every_shard::EveryShard;

/// The term of a shard's owner. A later owner has a higher one.
pub type Epoch = u64;

/// Gives shards to this connector, and takes them away.
#[async_trait]
pub trait Ownership: Send + Sync {
    /// The shards that this connector holds, each with the term in which it holds it. A shard that leaves
    /// the map, or changes its term, must be let go at once.
    fn held(&self) -> watch::Receiver<BTreeMap<u16, Epoch>>;

    /// The shard's sockets are closed and nothing of it is in hand: another may take it.
    async fn released(&self, shard: u16);
}
