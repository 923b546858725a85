//! `DELETE /v1/devices/{id}/queue`

use axum::{Json, extract::State};
use shared::{
    domain::{ids::DeviceId, permissions::Permission},
    services::{
        Context,
        messages::{self, Cleared},
    },
};

use crate::{
    error::Problem,
    extract::{CallerOf, PathIds},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::SendMessages)).audited("queue.clear")
}

/// Cancels every queued message; what is on its way goes on. With more than 5,000 of them, ask again until
/// `remaining` is 0.
#[utoipa::path(
    delete,
    path = "/v1/devices/{id}/queue",
    operation_id = "clearQueue",
    tag = "messages",
    params(("id" = DeviceId, Path)),
    responses((status = 200, description = "How many were cancelled, and how many still wait.", body = Cleared)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<DeviceId>,
) -> Result<Json<Cleared>, Problem> {
    Ok(Json(messages::clear_queue(&ctx, &caller, id).await?))
}
