//! `POST /v1/workers/{id}/drain`

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use shared::{
    domain::{ids::WorkerId, permissions::Permission, worker::Worker},
    services::{Context, workers},
};

use crate::{
    error::Problem,
    extract::PathIds,
    route::{Access, Route, endpoint},
};

/// 202: the connector begins within a second or two.
pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageOperations)).audited("worker.drain")
}

/// Has a connector give its shards to the others, and take no more for as long as it runs.
#[utoipa::path(
    post,
    path = "/v1/workers/{id}/drain",
    operation_id = "drainWorker",
    tag = "operations",
    params(("id" = WorkerId, Path)),
    responses((status = 202, description = "It begins.", body = Worker)),
)]
async fn handle(
    State(ctx): State<Context>,
    PathIds(id): PathIds<WorkerId>,
) -> Result<impl IntoResponse, Problem> {
    Ok((StatusCode::ACCEPTED, Json(workers::drain(&ctx, id).await?)))
}
