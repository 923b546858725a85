//! One connector that holds every shard, for good.

use std::collections::BTreeMap;

use async_trait::async_trait;
use tokio::sync::watch;

use super::{Epoch, Ownership};

/// Holds every shard. For a deployment with one connector; two of these would fight over the sockets.
#[derive(Debug)]
pub struct EveryShard(watch::Sender<BTreeMap<u16, Epoch>>);

impl EveryShard {
    /// All of `shards` shards.
    pub fn of(shards: u16) -> Self {
        Self(watch::Sender::new((0..shards).map(|shard| (shard, 1)).collect()))
    }
}

#[async_trait]
impl Ownership for EveryShard {
    fn held(&self) -> watch::Receiver<BTreeMap<u16, Epoch>> {
        self.0.subscribe()
    }

    async fn released(&self, _shard: u16) {}
}
