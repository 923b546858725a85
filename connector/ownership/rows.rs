//! What the lease holder needs of the store, so that its tests can do without.

use async_trait::async_trait;
use shared::{
    domain::{ids::WorkerId, worker::Worker},
    store::{
        Db, StoreError,
        leases::{self, Claim, LeaseRow},
        workers::{self, Heartbeat},
    },
};

use super::Epoch;

/// The rows of leases and workers.
#[async_trait]
pub(super) trait Rows: Send + Sync {
    async fn leases(&self) -> Result<Vec<LeaseRow>, StoreError>;
    async fn take(&self, shard: u16, me: WorkerId, seen: Option<&LeaseRow>) -> Result<Claim, StoreError>;
    async fn renew(&self, shard: u16, me: WorkerId, epoch: Epoch) -> Result<Claim, StoreError>;
    async fn release(&self, shard: u16, me: WorkerId, epoch: Epoch) -> Result<Claim, StoreError>;
    async fn heartbeats(&self) -> Result<Vec<Heartbeat>, StoreError>;
    async fn beat(&self, worker: &Worker, counter: u64) -> Result<(), StoreError>;
    async fn forget(&self, me: WorkerId) -> Result<(), StoreError>;
}

#[async_trait]
impl Rows for Db {
    async fn leases(&self) -> Result<Vec<LeaseRow>, StoreError> {
        leases::list(self).await
    }

    async fn take(&self, shard: u16, me: WorkerId, seen: Option<&LeaseRow>) -> Result<Claim, StoreError> {
        leases::take(self, shard, me, seen).await
    }

    async fn renew(&self, shard: u16, me: WorkerId, epoch: Epoch) -> Result<Claim, StoreError> {
        leases::renew(self, shard, me, epoch).await
    }

    async fn release(&self, shard: u16, me: WorkerId, epoch: Epoch) -> Result<Claim, StoreError> {
        leases::release(self, shard, me, epoch).await
    }

    async fn heartbeats(&self) -> Result<Vec<Heartbeat>, StoreError> {
        workers::heartbeats(self).await
    }

    async fn beat(&self, worker: &Worker, counter: u64) -> Result<(), StoreError> {
        workers::beat(self, worker, counter).await
    }

    async fn forget(&self, me: WorkerId) -> Result<(), StoreError> {
        workers::delete(self, me).await
    }
}
