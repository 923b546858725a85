//! `POST /v1/devices/{id}/pairing-code`

use axum::extract::State;
use serde::Deserialize;
use shared::{
    domain::{command::PairingCode, ids::DeviceId, permissions::Permission},
    services::{Context, ErrorCode, devices},
};
use utoipa::ToSchema;

use crate::{
    error::Problem,
    extract::{CallerOf, JsonBody, PathIds},
    route::{Access, Route, endpoint},
    routes::commands::{Answered, PendingBody},
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
) -> Result<Answered<PairingCode>, Problem> {
    let PairingCodeInput { phone_number, allow_number_change } = input;
    devices::pairing_code(&ctx, &caller, id, &phone_number, allow_number_change)
        .await
        .map(Answered)
        .map_err(Into::into)
}
