//! `POST /v1/devices/{id}/pause`

use axum::{Json, extract::State};
use shared::{
    domain::{ids::DeviceId, permissions::Permission},
    services::{Context, devices},
};

use super::DeviceBody;
use crate::{
    error::Problem,
    extract::{CallerOf, PathIds},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ConnectDevices)).audited("device.pause")
}

/// Holds the queue: messages are accepted and wait. The socket stays open.
#[utoipa::path(
    post,
    path = "/v1/devices/{id}/pause",
    operation_id = "pauseDevice",
    tag = "devices",
    params(("id" = DeviceId, Path)),
    responses((status = 200, description = "The device, paused.", body = DeviceBody)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<DeviceId>,
) -> Result<Json<DeviceBody>, Problem> {
    Ok(Json(devices::pause(&ctx, &caller, id).await?.into()))
}
