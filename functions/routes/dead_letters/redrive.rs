//! `POST /v1/dead-letters/{messageId}/redrive`

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use http::header::LOCATION;
use shared::{
    domain::{ids::MessageId, message::Message, permissions::Permission},
    services::{Context, ErrorCode, messages},
};

use crate::{
    error::Problem,
    extract::{CallerOf, PathIds},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::SendMessages))
        .audited("message.redrive")
        .failing_with(&[ErrorCode::NotFailed, ErrorCode::DeviceRelinked])
}

/// Sends a message that failed for good again, under the same ids. 409 `not_failed` when that has been done.
#[utoipa::path(
    post,
    path = "/v1/dead-letters/{messageId}/redrive",
    operation_id = "redriveDeadLetter",
    tag = "messages",
    params(("messageId" = MessageId, Path)),
    responses((status = 202, description = "Queued again, for a day.", body = Message, headers(("Location" = String, description = "Where it is")))),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<MessageId>,
) -> Result<impl IntoResponse, Problem> {
    let message = messages::redrive(&ctx, &caller, id).await?;
    let location = format!("/v1/devices/{}/messages/{}", message.device_id, message.id);
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], Json(message)))
}
