//! `POST /v1/devices/{id}/pairing-code`

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use http::header::LOCATION;
use serde::{Deserialize, Serialize};
use shared::{
    domain::{
        command::CommandStatus,
        ids::{CommandId, DeviceId},
        permissions::Permission,
    },
    services::{
        Context, ErrorCode,
        commands::Answer,
        devices::{self, PairingCode},
    },
};
use utoipa::ToSchema;

use crate::{
    error::Problem,
    extract::{CallerOf, JsonBody, PathIds},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ConnectDevices))
        .audited("device.pairingCode")
        .failing_with(&[ErrorCode::AlreadyConnected, ErrorCode::NumberChange, ErrorCode::PairingCodeRefused])
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"phoneNumber": "+6281234567890"}))]
struct PairingCodeInput {
    phone_number: String,
    /// Whether it may be another number than the device was linked to before.
    #[serde(default)]
    allow_number_change: bool,
}

/// A command that is not answered yet.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PendingBody {
    command_id: CommandId,
    status: CommandStatus,
}

/// A code to type on the phone in place of scanning.
#[utoipa::path(
    post,
    path = "/v1/devices/{id}/pairing-code",
    operation_id = "requestPairingCode",
    tag = "devices",
    params(("id" = DeviceId, Path)),
    request_body = PairingCodeInput,
    responses((status = 200, description = "The code.", body = PairingCode), (status = 202, description = "Not yet: ask for the command.", body = PendingBody, headers(("Location" = String, description = "Where it is")))),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<DeviceId>,
    JsonBody(input): JsonBody<PairingCodeInput>,
) -> Result<Response, Problem> {
    Ok(
        match devices::pairing_code(&ctx, &caller, id, &input.phone_number, input.allow_number_change).await?
        {
            Answer::Ready(code) => Json(code).into_response(),
            Answer::Pending(command) => {
                let location = format!("/v1/commands/{command}");
                let body = PendingBody { command_id: command, status: CommandStatus::Pending };
                (StatusCode::ACCEPTED, [(LOCATION, location)], Json(body)).into_response()
            }
        },
    )
}
