//! `POST /v1/api-keys`

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use http::header::LOCATION;
use serde::Deserialize;
use shared::{
    clock::Timestamp,
    domain::{ids::DeviceId, permissions::Permission, role::Role},
    services::{
        Context,
        api_keys::{self, NewApiKey},
    },
};
use utoipa::ToSchema;

use super::ApiKeyBody;
use crate::{
    error::Problem,
    extract::{CallerOf, JsonBody},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageApiKeys)).audited("apiKey.create")
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"name": "Shop", "role": "user", "allowedIps": ["203.0.113.0/24"]}))]
struct NewApiKeyInput {
    name: String,
    role: Option<Role>,
    expires_at: Option<Timestamp>,
    #[serde(default)]
    allowed_ips: Vec<String>,
    /// All other devices are not there for it, and nothing that is not about devices; all when empty.
    #[serde(default)]
    device_ids: Vec<DeviceId>,
}

/// Makes an API key. The secret is in this answer and nowhere else.
#[utoipa::path(
    post,
    path = "/v1/api-keys",
    operation_id = "createApiKey",
    tag = "accounts",
    request_body = NewApiKeyInput,
    responses((status = 201, description = "Made.", body = ApiKeyBody, headers(("Location" = String, description = "Where it is")))),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    JsonBody(input): JsonBody<NewApiKeyInput>,
) -> Result<impl IntoResponse, Problem> {
    let NewApiKeyInput { name, role, expires_at, allowed_ips, device_ids } = input;
    let input = NewApiKey { name, role, expires_at, allowed_ips, device_ids };
    let (key, secret) = api_keys::create(&ctx, &caller, input).await?;
    let location = format!("/v1/api-keys/{}", key.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(ApiKeyBody::of(key, Some(secret)))))
}
