//! `GET /v1/devices/{id}/queue`

use axum::{Json, extract::State};
use shared::{
    domain::{ids::DeviceId, permissions::Permission},
    services::{
        Context,
        messages::{self, QueueState},
    },
};

use crate::{
    error::Problem,
    extract::{CallerOf, PathIds},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ViewDevices))
}

/// What waits in a device's queue, what went, and when the next message may go.
#[utoipa::path(
    get,
    path = "/v1/devices/{id}/queue",
    operation_id = "getQueue",
    tag = "messages",
    params(("id" = DeviceId, Path)),
    responses((status = 200, description = "How it stands.", body = QueueState)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<DeviceId>,
) -> Result<Json<QueueState>, Problem> {
    Ok(Json(messages::queue(&ctx, &caller, id).await?))
}
