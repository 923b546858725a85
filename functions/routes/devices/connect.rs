//! `POST /v1/devices/{id}/connect`

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use shared::{
    domain::{ids::DeviceId, permissions::Permission},
    services::{Context, devices},
};
use utoipa::ToSchema;

use super::DeviceBody;
use crate::{
    error::Problem,
    extract::{CallerOf, OptionalJsonBody, PathIds},
    route::{Access, Route, endpoint},
};

/// Asks for a socket, or a QR code when there is no link.
pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ConnectDevices)).audited("device.connect")
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"allowNumberChange": false}))]
struct ConnectInput {
    /// Whether the phone that links it may have another number than the device was linked to before.
    #[serde(default)]
    allow_number_change: bool,
}

/// Asks for a socket, or a QR code when there is no link.
#[utoipa::path(
    post,
    path = "/v1/devices/{id}/connect",
    operation_id = "connectDevice",
    tag = "devices",
    params(("id" = DeviceId, Path)),
    request_body = Option<ConnectInput>,
    responses((status = 202, description = "Its status goes on from here.", body = DeviceBody)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<DeviceId>,
    OptionalJsonBody(input): OptionalJsonBody<ConnectInput>,
) -> Result<(StatusCode, Json<DeviceBody>), Problem> {
    let device = devices::connect(&ctx, &caller, id, input.allow_number_change).await?;
    Ok((StatusCode::ACCEPTED, Json(device.into())))
}
