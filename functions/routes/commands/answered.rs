//! What is said to a question to a socket: its answer, or where that will be.

use axum::{
    Json,
    http::{StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use shared::{
    domain::{command::CommandStatus, ids::CommandId},
    services::commands::Answer,
};
use utoipa::ToSchema;

/// 200 with the answer, or 202 with the command to ask for.
pub struct Answered<T>(pub Answer<T>);

/// A command that is not answered yet.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PendingBody {
    command_id: CommandId,
    status: CommandStatus,
}

impl<T: Serialize> IntoResponse for Answered<T> {
    fn into_response(self) -> Response {
        match self.0 {
            Answer::Ready(answer) => Json(answer).into_response(),
            Answer::Pending(command) => {
                let location = format!("/v1/commands/{command}");
                let body = PendingBody { command_id: command, status: CommandStatus::Pending };
                (StatusCode::ACCEPTED, [(LOCATION, location)], Json(body)).into_response()
            }
        }
    }
}
