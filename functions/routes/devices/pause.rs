//! `POST /v1/devices/{id}/pause`

use axum::{Json, extract::State, http::Method};
use shared::{
    domain::{ids::DeviceId, permissions::Permission},
    services::{Context, devices},
};
use utoipa_axum::routes;

use super::DeviceBody;
use crate::{
    error::Problem,
    extract::{CallerOf, PathIds},
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::POST, "/v1/devices/{id}/pause", Access::Needs(Permission::ConnectDevices), handle)
        .audited("device.pause")
        .documented(|| routes!(handle))
}

/// Holds the queue: messages are accepted and wait. The socket stays open.
#[utoipa::path(
    post,
    path = "/v1/devices/{id}/pause",
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
