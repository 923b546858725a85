//! `POST /v1/devices`

use axum::{
    Json,
    extract::State,
    http::{Method, StatusCode},
    response::IntoResponse,
};
use http::header::LOCATION;
use serde::Deserialize;
use shared::{
    domain::{pacing::Pacing, permissions::Permission},
    services::{
        Context,
        devices::{self, NewDevice},
    },
};

use super::DeviceBody;
use crate::{
    error::Problem,
    extract::{CallerOf, JsonBody},
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::POST, "/v1/devices", Access::Needs(Permission::ManageDevices), handle)
        .audited("device.create")
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: String,
    pacing: Option<Pacing>,
}

async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    JsonBody(input): JsonBody<Input>,
) -> Result<impl IntoResponse, Problem> {
    let input = NewDevice { name: input.name, pacing: input.pacing };
    let device = devices::create(&ctx, &caller, input).await?;
    let location = format!("/v1/devices/{}", device.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(DeviceBody::from(device))))
}
