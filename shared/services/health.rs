//! Whether what Kurir depends on answers.

use std::time::Duration;

use super::Context;
use crate::{domain::ids::AccountId, queue::QueueKind, store::accounts};

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
    let limit = Duration::from_secs(2);
    let nobody = AccountId::derived([0; 32]);
    let (db, sqs) = tokio::join!(
        tokio::time::timeout(limit, accounts::get(&ctx.db, nobody)),
        tokio::time::timeout(limit, ctx.queues.depth(QueueKind::Commands, 0)),
    );
    Health { dynamodb: matches!(db, Ok(Ok(_))), sqs: matches!(sqs, Ok(Ok(_))) }
}
