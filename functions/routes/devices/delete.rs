//! `DELETE /v1/devices/{id}`

use axum::{
    extract::State,
    http::{Method, StatusCode},
};
use shared::{
    domain::{ids::DeviceId, permissions::Permission},
    services::{Context, devices},
};

use crate::{
    error::Problem,
    extract::{CallerOf, PathIds},
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::DELETE, "/v1/devices/{id}", Access::Needs(Permission::ManageDevices), handle)
        .audited("device.delete")
}

async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<DeviceId>,
) -> Result<StatusCode, Problem> {
    devices::delete(&ctx, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
