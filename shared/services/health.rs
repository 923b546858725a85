//! Whether what Kurir depends on answers, and how the deployment is.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};

use super::{Context, Error, workers};
use crate::{
    domain::{ids::AccountId, worker::Worker},
    queue::{Depth, QueueKind},
    store::{accounts, workers as rows},
};

/// How long anything here may take.
const LIMIT: Duration = Duration::from_secs(2);

/// How many queues are asked at a time.
const AT_A_TIME: usize = 16;

/// The most workers that are shown.
const WORKERS: u16 = 1000;

/// How the deployment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// DynamoDB answers.
    pub dynamodb: bool,
    /// SQS answers.
    pub sqs: bool,
}

/// In one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthStatus {
    /// All answers.
    Healthy,
    /// Something does not.
    Degraded,
}

impl Health {
    /// In one word.
    pub fn status(self) -> HealthStatus {
        if self.dynamodb && self.sqs { HealthStatus::Healthy } else { HealthStatus::Degraded }
    }
}

/// Asks each dependency for something small, at most two seconds long.
pub async fn health(ctx: &Context) -> Health {
    let nobody = AccountId::derived([0; 32]);
    let (db, sqs) = tokio::join!(
        tokio::time::timeout(LIMIT, accounts::get(&ctx.db, nobody)),
        tokio::time::timeout(LIMIT, ctx.queues.depth(QueueKind::Commands, 0)),
    );
    Health { dynamodb: matches!(db, Ok(Ok(_))), sqs: matches!(sqs, Ok(Ok(_))) }
}

/// What goes on in the deployment. What could not be found out in time is `None`.
#[derive(Debug, Clone)]
pub struct Operations {
    /// How many messages lie in the queues of each kind, all shards of one together.
    pub queues: Option<Vec<(QueueKind, Depth)>>,
    /// The connectors that run.
    pub workers: Option<Vec<Worker>>,
}

/// Asks about queues and connectors, at most two seconds long.
pub async fn operations(ctx: &Context) -> Operations {
    let queues = tokio::time::timeout(LIMIT, depths(ctx));
    let workers = tokio::time::timeout(LIMIT, running(ctx));
    let (queues, workers) = tokio::join!(queues, workers);
    Operations { queues: queues.ok().and_then(Result::ok), workers: workers.ok().and_then(Result::ok) }
}

async fn depths(ctx: &Context) -> Result<Vec<(QueueKind, Depth)>, Error> {
    let all = QueueKind::ALL.into_iter().map(|kind| async move {
        let ask = stream::iter(ctx.queues.shards_of(kind).map(|shard| ctx.queues.depth(kind, shard)));
        let sum = ask.buffer_unordered(AT_A_TIME).try_fold(Depth::default(), async |sum, depth| {
            Ok(Depth { waiting: sum.waiting + depth.waiting, in_hand: sum.in_hand + depth.in_hand })
        });
        Ok((kind, sum.await?))
    });
    futures::future::try_join_all(all).await
}

async fn running(ctx: &Context) -> Result<Vec<Worker>, Error> {
    let page = rows::list(&ctx.db, workers::since(ctx.now()), WORKERS, None).await?;
    Ok(workers::with_shards(&ctx.db, page.items).await?)
}
