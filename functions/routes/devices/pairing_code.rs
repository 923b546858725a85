//! `POST /v1/devices/{id}/pairing-code`

use axum::{
    Json,
    extract::State,
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use http::header::LOCATION;
use serde::Deserialize;
use serde_json::json;
use shared::{
    domain::{command::CommandStatus, ids::DeviceId, permissions::Permission},
    services::{Context, commands::Answer, devices},
};

use crate::{
    error::Problem,
    extract::{CallerOf, JsonBody, PathIds},
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(
        Method::POST,
        "/v1/devices/{id}/pairing-code",
        Access::Needs(Permission::ConnectDevices),
        handle,
    )
    .audited("device.pairingCode")
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Input {
    phone_number: String,
}

async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<DeviceId>,
    JsonBody(input): JsonBody<Input>,
) -> Result<Response, Problem> {
    Ok(match devices::pairing_code(&ctx, &caller, id, &input.phone_number).await? {
        Answer::Ready(code) => Json(code).into_response(),
        Answer::Pending(command) => {
            let location = format!("/v1/commands/{command}");
            let body = json!({"commandId": command, "status": CommandStatus::Pending});
            (StatusCode::ACCEPTED, [(LOCATION, location)], Json(body)).into_response()
        }
    })
}
