//! `POST /v1/api-keys`

use axum::{
    Json,
    extract::State,
    http::{Method, StatusCode},
    response::IntoResponse,
};
use http::header::LOCATION;
use serde::Deserialize;
use shared::{
    clock::Timestamp,
    domain::{permissions::Permission, role::Role},
    services::{
        Context,
        api_keys::{self, NewApiKey},
    },
};

use super::ApiKeyBody;
use crate::{
    error::Problem,
    extract::{CallerOf, JsonBody},
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::POST, "/v1/api-keys", Access::Needs(Permission::ManageApiKeys), handle)
        .audited("apiKey.create")
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Input {
    name: String,
    role: Option<Role>,
    expires_at: Option<Timestamp>,
    #[serde(default)]
    allowed_ips: Vec<String>,
}

async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    JsonBody(input): JsonBody<Input>,
) -> Result<impl IntoResponse, Problem> {
    let Input { name, role, expires_at, allowed_ips } = input;
    let input = NewApiKey { name, role, expires_at, allowed_ips };
    let (key, secret) = api_keys::create(&ctx, &caller.account, caller.role, input).await?;
    let location = format!("/v1/api-keys/{}", key.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(ApiKeyBody::of(key, Some(secret)))))
}
