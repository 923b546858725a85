//! `POST /v1/webhooks`

use std::collections::BTreeMap;

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use http::header::LOCATION;
use serde::Deserialize;
use shared::{
    domain::{ids::DeviceId, permissions::Permission},
    services::{
        Context, ErrorCode,
        webhooks::{self, NewWebhook},
    },
};
use utoipa::ToSchema;

use super::{WebhookBody, headers};
use crate::{
    error::Problem,
    extract::{CallerOf, JsonBody},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageWebhooks))
        .audited("webhook.create")
        .failing_with(&[ErrorCode::QuotaExceeded])
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"url": "https://example.com/kurir", "events": ["message.*"]}))]
struct NewWebhookInput {
    /// `https`, with a public address.
    url: String,
    /// Types, families like `message.*`, or `*`.
    events: Vec<String>,
    /// Only of these devices.
    #[serde(default)]
    device_ids: Vec<DeviceId>,
    /// To be sent with each delivery.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default = "yes")]
    active: bool,
}

fn yes() -> bool {
    true
}

/// Makes a webhook. The secret that its deliveries are signed with is in this answer and nowhere else.
#[utoipa::path(
    post,
    path = "/v1/webhooks",
    operation_id = "createWebhook",
    tag = "webhooks",
    request_body = NewWebhookInput,
    responses((status = 201, description = "Made.", body = WebhookBody, headers(("Location" = String, description = "Where it is")))),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    JsonBody(input): JsonBody<NewWebhookInput>,
) -> Result<impl IntoResponse, Problem> {
    let NewWebhookInput { url, events, device_ids, headers: given, active } = input;
    let input = NewWebhook { url, events, device_ids, headers: headers(given), active };
    let made = webhooks::create(&ctx, &caller, input).await?;
    let location = format!("/v1/webhooks/{}", made.webhook.id);
    let body = WebhookBody::showing_secret(made, &caller);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(body)))
}
