//! `PATCH /v1/devices/{id}`

use axum::{Json, extract::State, http::Method};
use serde::Deserialize;
use shared::{
    domain::{ids::DeviceId, pacing::Pacing, permissions::Permission},
    services::{
        Context,
        devices::{self, DeviceChange},
    },
};

use super::DeviceBody;
use crate::{
    error::Problem,
    extract::{CallerOf, JsonBody, PathIds},
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::PATCH, "/v1/devices/{id}", Access::Needs(Permission::ManageDevices), handle)
        .audited("device.change")
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: Option<String>,
    pacing: Option<Pacing>,
}

async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<DeviceId>,
    JsonBody(input): JsonBody<Input>,
) -> Result<Json<DeviceBody>, Problem> {
    let change = DeviceChange { name: input.name, pacing: input.pacing };
    Ok(Json(devices::change(&ctx, &caller, id, change).await?.into()))
}
