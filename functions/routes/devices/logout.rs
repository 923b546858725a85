//! `POST /v1/devices/{id}/logout`

use axum::{
    Json,
    extract::State,
    http::{Method, StatusCode},
};
use shared::{
    domain::{ids::DeviceId, permissions::Permission},
    services::{Context, devices},
};

use super::DeviceBody;
use crate::{
    error::Problem,
    extract::{CallerOf, PathIds},
    route::{Access, Route},
};

/// Ends the link at WhatsApp and wipes the keys.
pub fn route() -> Route {
    Route::new(Method::POST, "/v1/devices/{id}/logout", Access::Needs(Permission::ConnectDevices), handle)
        .audited("device.logout")
}

async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<DeviceId>,
) -> Result<(StatusCode, Json<DeviceBody>), Problem> {
    let device = devices::log_out(&ctx, &caller, id).await?;
    Ok((StatusCode::ACCEPTED, Json(device.into())))
}
