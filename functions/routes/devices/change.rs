//! `PATCH /v1/devices/{id}`

use axum::{Json, extract::State};
use serde::Deserialize;
use shared::{
    domain::{device::OnRelink, ids::DeviceId, pacing::PacingChange, permissions::Permission},
    services::{
        Context, ErrorCode,
        devices::{self, DeviceChange},
    },
};
use utoipa::ToSchema;

use super::DeviceBody;
use crate::{
    error::Problem,
    extract::{CallerOf, JsonBody, PathIds},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageDevices))
        .audited("device.change")
        .failing_with(&[ErrorCode::ChangedMeanwhile])
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"name": "Shop", "pacing": {"perMinute": 10}}))]
struct ChangeDeviceInput {
    name: Option<String>,
    pacing: Option<PacingChange>,
    /// What becomes of messages that wait when it is linked to another number.
    on_relink: Option<OnRelink>,
}

/// Changes name, pacing, or what becomes of messages when the number changes.
#[utoipa::path(
    patch,
    path = "/v1/devices/{id}",
    operation_id = "changeDevice",
    tag = "devices",
    params(("id" = DeviceId, Path)),
    request_body = ChangeDeviceInput,
    responses((status = 200, description = "The device as it is now.", body = DeviceBody)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<DeviceId>,
    JsonBody(input): JsonBody<ChangeDeviceInput>,
) -> Result<Json<DeviceBody>, Problem> {
    let change = DeviceChange { name: input.name, pacing: input.pacing, on_relink: input.on_relink };
    Ok(Json(devices::change(&ctx, &caller, id, change).await?.into()))
}
