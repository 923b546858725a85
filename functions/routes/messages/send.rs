//! `POST /v1/devices/{id}/messages`

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
};
use http::header::LOCATION;
use serde::Deserialize;
use shared::{
    clock::Timestamp,
    domain::{
        content::{ContentFields, NewContent, NewText},
        ids::DeviceId,
        message::{Message, Priority},
        permissions::Permission,
    },
    services::{
        Context, Error, ErrorCode,
        messages::{self, NewMessage},
    },
};
use utoipa::ToSchema;

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

/// A message to be sent, as it is read: field by field, so that each that is wrong can be named.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct MessageBody {
    to: String,
    #[serde(rename = "type")]
    kind: String,
    text: Option<NewText>,
    expires_at: Option<Timestamp>,
    #[serde(default)]
    priority: Priority,
}

impl MessageBody {
    fn into_message(self) -> Result<NewMessage, Error> {
        let Self { to, kind, text, expires_at, priority } = self;
        let content = ContentFields { text }.of_kind(&kind).map_err(|field| vec![field])?;
        Ok(NewMessage { to, content, expires_at, priority })
    }
}

/// A message to be sent, as it is described.
#[derive(ToSchema)]
#[schema(as = NewMessage, example = json!({"to": "+6281234567890", "type": "text", "text": {"body": "Hello"}}))]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "it is only described")]
struct NewMessageSchema {
    /// A number in E.164 with or without `+`, or a JID.
    to: String,
    #[serde(flatten)]
    content: NewContent,
    /// When to give up if still unsent; a day from now when not given.
    expires_at: Option<Timestamp>,
    /// Whether it may wait behind others.
    #[serde(default)]
    priority: Priority,
}

/// Accepts a message to be sent. `Idempotency-Key` makes it once; `Prefer: wait=5` waits for the ack.
#[utoipa::path(
    post,
    path = "/v1/devices/{id}/messages",
    operation_id = "sendMessage",
    tag = "messages",
    params(("id" = DeviceId, Path), ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters"), ("Prefer" = Option<String>, Header, description = "`wait=5`: seconds to wait for the ack, at most 20")),
    request_body = NewMessageSchema,
    responses((status = 202, description = "Accepted.", body = Message, headers(("Location" = String, description = "Where it is")))),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(device): PathIds<DeviceId>,
    headers: HeaderMap,
    JsonBody(body): JsonBody<MessageBody>,
) -> Result<impl IntoResponse, Problem> {
    let key = match headers.get("idempotency-key").map(|value| value.to_str()) {
        None => None,
        Some(Ok(key)) => Some(key),
        Some(Err(_)) => {
            let message = "1 to 255 visible ASCII characters";
            return Err(Problem::invalid("Idempotency-Key", "key_invalid", message));
        }
    };
    let input = body.into_message()?;
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
