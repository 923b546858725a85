//! `POST /v1/devices/{id}/logout`

use axum::{Json, extract::State, http::StatusCode};
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

/// Ends the link at WhatsApp and wipes the keys.
pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ConnectDevices)).audited("device.logout")
}

/// Ends the link at WhatsApp and wipes the keys.
#[utoipa::path(
    post,
    path = "/v1/devices/{id}/logout",
    operation_id = "logOutDevice",
    tag = "devices",
    params(("id" = DeviceId, Path)),
    responses((status = 202, description = "Its status goes on from here.", body = DeviceBody)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<DeviceId>,
) -> Result<(StatusCode, Json<DeviceBody>), Problem> {
    let device = devices::log_out(&ctx, &caller, id).await?;
    Ok((StatusCode::ACCEPTED, Json(device.into())))
}
