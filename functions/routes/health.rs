//! `GET /v1/health`

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use serde::Serialize;
use shared::{
    clock::Timestamp,
    domain::{ids::WorkerId, permissions::Permission, worker::Worker},
    queue::{Depth, QueueKind},
    services::{Context, HealthStatus, health, operations},
};
use utoipa::ToSchema;

use crate::{
    extract::MaybeCaller,
    route::{Access, Route, endpoint},
};

/// Public; callers who may see operations also see dependencies, queues and connectors.
pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Public)
}

/// `status` and `version` for everybody, and which dependency is down when one is; the rest for operators, but for
/// what could not be found out in two seconds.
#[derive(Debug, Serialize, ToSchema)]
struct HealthBody {
    status: &'static str,
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dependencies: Option<Dependencies>,
    /// By kind, all shards together.
    #[serde(skip_serializing_if = "Option::is_none")]
    queues: Option<BTreeMap<&'static str, QueueBody>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workers: Option<Vec<WorkerBody>>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Dependencies {
    dynamodb: &'static str,
    sqs: &'static str,
}

/// How many messages lie in queues, about.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct QueueBody {
    waiting: u64,
    in_hand: u64,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct WorkerBody {
    id: WorkerId,
    shards: Vec<u16>,
    sessions: u32,
    last_heartbeat_at: Timestamp,
}

/// Whether Kurir works; operators also see dependencies, queues and connectors.
#[utoipa::path(
    get,
    path = "/v1/health",
    operation_id = "getHealth",
    tag = "operations",
    responses((status = 200, description = "How it is.", body = HealthBody)),
)]
async fn handle(State(ctx): State<Context>, MaybeCaller(caller): MaybeCaller) -> Json<HealthBody> {
    let sees_all = caller.is_some_and(|caller| caller.allows(Permission::ViewOperations));
    let (health, operations) = tokio::join!(health(&ctx), async {
        match sees_all {
            true => Some(operations(&ctx).await),
            false => None,
        }
    });
    let (queues, workers) = operations.map_or((None, None), |found| (found.queues, found.workers));
    let word = |up| if up { "up" } else { "down" };
    let queue = |(kind, depth): (QueueKind, Depth)| {
        (kind.name(), QueueBody { waiting: depth.waiting, in_hand: depth.in_hand })
    };
    let worker = |Worker { id, shards, sessions, last_heartbeat_at, .. }| WorkerBody {
        id,
        shards,
        sessions,
        last_heartbeat_at,
    };
    Json(HealthBody {
        status: match health.status() {
            HealthStatus::Healthy => "healthy",
            HealthStatus::Degraded => "degraded",
        },
        version: shared::version(),
        // What is down concerns everybody; an administrator cannot log in without it.
        dependencies: (sees_all || health.status() == HealthStatus::Degraded)
            .then(|| Dependencies { dynamodb: word(health.dynamodb), sqs: word(health.sqs) }),
        queues: queues.map(|all| all.into_iter().map(queue).collect()),
        workers: workers.map(|all| all.into_iter().map(worker).collect()),
    })
}
