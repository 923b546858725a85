//! `POST /v1/devices`

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use http::header::LOCATION;
use serde::Deserialize;
use shared::{
    domain::{device::OnRelink, pacing::PacingChange, permissions::Permission},
    services::{
        Context, ErrorCode,
        devices::{self, NewDevice},
    },
};
use utoipa::ToSchema;

use super::DeviceBody;
use crate::{
    error::Problem,
    extract::{CallerOf, JsonBody},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageDevices))
        .audited("device.create")
        .failing_with(&[ErrorCode::QuotaExceeded])
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"name": "Shop"}))]
struct NewDeviceInput {
    name: String,
    pacing: Option<PacingChange>,
    /// What becomes of messages that wait when it is linked to another number; they fail when not given.
    #[serde(default)]
    on_relink: OnRelink,
}

/// Makes a device, without link and socket.
#[utoipa::path(
    post,
    path = "/v1/devices",
    operation_id = "createDevice",
    tag = "devices",
    request_body = NewDeviceInput,
    responses((status = 201, description = "Made.", body = DeviceBody, headers(("Location" = String, description = "Where it is")))),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    JsonBody(input): JsonBody<NewDeviceInput>,
) -> Result<impl IntoResponse, Problem> {
    let input =
        NewDevice { name: input.name, pacing: input.pacing.unwrap_or_default(), on_relink: input.on_relink };
    let device = devices::create(&ctx, &caller, input).await?;
    let location = format!("/v1/devices/{}", device.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(DeviceBody::from(device))))
}
