//! `DELETE /v1/devices/{id}`

use axum::{extract::State, http::StatusCode};
use shared::{
    domain::{ids::DeviceId, permissions::Permission},
    services::{Context, devices},
};

use crate::{
    error::Problem,
    extract::{CallerOf, PathIds},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageDevices)).audited("device.delete")
}

/// Deletes a device: gone at once; unlinking and erasing follow.
#[utoipa::path(
    delete,
    path = "/v1/devices/{id}",
    operation_id = "deleteDevice",
    tag = "devices",
    params(("id" = DeviceId, Path)),
    responses((status = 204, description = "Gone.")),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<DeviceId>,
) -> Result<StatusCode, Problem> {
    devices::delete(&ctx, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
