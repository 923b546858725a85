//! `GET /v1/devices/{id}`

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
    Route::new(endpoint!(handle), Access::Needs(Permission::ViewDevices))
}

/// One device.
#[utoipa::path(
    get,
    path = "/v1/devices/{id}",
    operation_id = "getDevice",
    tag = "devices",
    params(("id" = DeviceId, Path)),
    responses((status = 200, description = "The device.", body = DeviceBody)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<DeviceId>,
) -> Result<Json<DeviceBody>, Problem> {
    Ok(Json(devices::get(&ctx, &caller, id).await?.into()))
}
