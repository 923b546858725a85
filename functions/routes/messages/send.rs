//! `POST /v1/devices/{id}/messages`

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
};
use http::header::LOCATION;
use shared::{
    domain::{ids::DeviceId, message::Message, permissions::Permission},
    services::{
        Context, ErrorCode,
        messages::{self, NewMessage},
    },
};

use crate::{
    error::Problem,
    extract::{CallerOf, JsonBody, PathIds},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::SendMessages))
        .counting_itself()
        .failing_with(&[ErrorCode::IdempotencyKeyReused])
}

/// Accepts a message to be sent. `Idempotency-Key` makes it once; `Prefer: wait=5` waits for the ack.
#[utoipa::path(
    post,
    path = "/v1/devices/{id}/messages",
    operation_id = "sendMessage",
    tag = "messages",
    params(("id" = DeviceId, Path), ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters"), ("Prefer" = Option<String>, Header, description = "`wait=5`: seconds to wait for the ack, at most 20")),
    request_body = NewMessage,
    responses((status = 202, description = "Accepted.", body = Message, headers(("Location" = String, description = "Where it is")))),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(device): PathIds<DeviceId>,
    headers: HeaderMap,
    JsonBody(input): JsonBody<NewMessage>,
) -> Result<impl IntoResponse, Problem> {
    let key = match headers.get("idempotency-key").map(|value| value.to_str()) {
        None => None,
        Some(Ok(key)) => Some(key),
        Some(Err(_)) => {
            let message = "1 to 255 visible ASCII characters";
            return Err(Problem::invalid("Idempotency-Key", "key_invalid", message));
        }
    };
    let mut message = messages::send(&ctx, &caller, device, input, key).await?;
    if let Some(patience) = patience(&headers) {
        message = messages::wait(&ctx, &caller, message, patience).await?;
    }
    let location = format!("/v1/devices/{device}/messages/{}", message.id);
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], Json(message)))
}

/// `Prefer: wait=5` (RFC 7240): how many seconds the caller likes to wait.
fn patience(headers: &HeaderMap) -> Option<Duration> {
    headers
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split([',', ';']))
        .find_map(|preference| preference.trim().strip_prefix("wait=")?.trim().parse().ok())
        .map(Duration::from_secs)
}
