//! The connectors that run.

mod drain;
mod list;

pub use drain::drain;
pub use list::list;

use std::{collections::HashMap, time::Duration};

use crate::{
    clock::Timestamp,
    domain::worker::Worker,
    store::{Db, StoreError, leases},
};

/// How long a worker is shown after it last told of itself.
const SHOWN: Duration = Duration::from_secs(60);

/// Since when a worker must have told of itself to be shown.
pub(super) fn since(now: Timestamp) -> Timestamp {
    let shown = i64::try_from(SHOWN.as_millis()).unwrap_or_default();
    Timestamp::from_unix_millis(now.unix_millis() - shown)
}

/// Adds the shards that each worker holds.
pub(super) async fn with_shards(db: &Db, mut workers: Vec<Worker>) -> Result<Vec<Worker>, StoreError> {
    let mut held: HashMap<_, Vec<u16>> = HashMap::new();
    for row in leases::list(db).await? {
        if let Some(owner) = row.owner {
            held.entry(owner).or_default().push(row.shard);
        }
    }
    for worker in &mut workers {
        worker.shards = held.remove(&worker.id).unwrap_or_default();
    }
    Ok(workers)
}
