//! `POST /v1/devices/{id}/resume`

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
    Route::new(endpoint!(handle), Access::Needs(Permission::ConnectDevices)).audited("device.resume")
}

/// Lets the queue go on.
#[utoipa::path(
    post,
    path = "/v1/devices/{id}/resume",
    operation_id = "resumeDevice",
    tag = "devices",
    params(("id" = DeviceId, Path)),
    responses((status = 200, description = "The device, not paused.", body = DeviceBody)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<DeviceId>,
) -> Result<Json<DeviceBody>, Problem> {
    Ok(Json(devices::resume(&ctx, &caller, id).await?.into()))
}
