//! Draining a connector.

use super::{since, with_shards};
use crate::{
    domain::{ids::WorkerId, worker::Worker},
    services::{Context, Error},
    store::workers,
};

/// Has a connector give all its shards to others and take no more, for as long as it runs: for whoever is about
/// to stop it, or suspects it. When all connectors drain, nobody serves.
pub async fn drain(ctx: &Context, id: WorkerId) -> Result<Worker, Error> {
    let worker = workers::drain(&ctx.db, id, since(ctx.now())).await?;
    let workers = with_shards(&ctx.db, worker.into_iter().collect()).await?;
    workers.into_iter().next().ok_or_else(|| Error::not_found("worker"))
}
