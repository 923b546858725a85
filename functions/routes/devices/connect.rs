//! `POST /v1/devices/{id}/connect`

use axum::{
    Json,
    extract::State,
    http::{Method, StatusCode},
};
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

/// Asks for a socket, or a QR code when there is no link.
pub fn route() -> Route {
    Route::new(Method::POST, "/v1/devices/{id}/connect", Access::Needs(Permission::ConnectDevices), handle)
        .audited("device.connect")
        .documented(|| routes!(handle))
}

/// Asks for a socket, or a QR code when there is no link.
#[utoipa::path(
    post,
    path = "/v1/devices/{id}/connect",
    tag = "devices",
    params(("id" = DeviceId, Path)),
    responses((status = 202, description = "Its status goes on from here.", body = DeviceBody)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<DeviceId>,
) -> Result<(StatusCode, Json<DeviceBody>), Problem> {
    let device = devices::connect(&ctx, &caller, id).await?;
    Ok((StatusCode::ACCEPTED, Json(device.into())))
}
