//! `GET /v1/health`

use std::collections::BTreeMap;

use axum::{Json, extract::State, http::Method};
use serde::Serialize;
use shared::{
    clock::Timestamp,
    domain::{ids::WorkerId, permissions::Permission, worker::Worker},
    queue::Depth,
    services::{Context, Health, HealthStatus, Operations, health, operations},
};
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::{
    extract::MaybeCaller,
    route::{Access, Route},
};

/// Public; callers who may see operations also see dependencies, queues and connectors.
pub fn route() -> Route {
    Route::new(Method::GET, "/v1/health", Access::Public, handle).documented(|| routes!(handle))
}

#[derive(Debug, Serialize, ToSchema)]
struct HealthBody {
    status: &'static str,
    version: &'static str,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    operations: Option<OperationsBody>,
}

/// For operators. What could not be found out in two seconds is null.
#[derive(Debug, Serialize, ToSchema)]
struct OperationsBody {
    dependencies: Dependencies,
    /// By kind, all shards together.
    queues: Option<BTreeMap<&'static str, QueueBody>>,
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
    tag = "operations",
    responses((status = 200, description = "How it is.", body = HealthBody)),
)]
async fn handle(State(ctx): State<Context>, MaybeCaller(caller): MaybeCaller) -> Json<HealthBody> {
    let sees_all = caller.is_some_and(|caller| caller.role.allows(Permission::ViewOperations));
    let (health, operations) = tokio::join!(health(&ctx), async {
        match sees_all {
            true => Some(operations(&ctx).await),
            false => None,
        }
    });
    Json(HealthBody {
        status: match health.status() {
            HealthStatus::Healthy => "healthy",
            HealthStatus::Degraded => "degraded",
        },
        version: env!("CARGO_PKG_VERSION"),
        operations: operations.map(|operations| OperationsBody::of(health, operations)),
    })
}

impl OperationsBody {
    fn of(health: Health, operations: Operations) -> Self {
        let word = |up| if up { "up" } else { "down" };
        let queue = |Depth { waiting, in_hand }| QueueBody { waiting, in_hand };
        let worker = |Worker { id, shards, sessions, last_heartbeat_at, .. }| WorkerBody {
            id,
            shards,
            sessions,
            last_heartbeat_at,
        };
        Self {
            dependencies: Dependencies { dynamodb: word(health.dynamodb), sqs: word(health.sqs) },
            queues: operations
                .queues
                .map(|all| all.into_iter().map(|(kind, depth)| (kind.name(), queue(depth))).collect()),
            workers: operations.workers.map(|all| all.into_iter().map(worker).collect()),
        }
    }
}
