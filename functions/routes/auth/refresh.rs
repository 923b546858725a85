//! `POST /v1/auth/refresh`

use axum::{Json, extract::State};
use serde::Deserialize;
use shared::{
    secret::Secret,
    services::{Context, ErrorCode, accounts},
};
use utoipa::ToSchema;

use super::SessionBody;
use crate::{
    error::Problem,
    extract::JsonBody,
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Public).failing_with(&[ErrorCode::Unauthenticated])
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"refreshToken": "krt_…"}))]
struct RefreshInput {
    refresh_token: Secret,
}

/// Exchanges a refresh token for new tokens. A used one ends its whole family.
#[utoipa::path(
    post,
    path = "/v1/auth/refresh",
    operation_id = "refreshTokens",
    tag = "accounts",
    request_body = RefreshInput,
    responses((status = 200, description = "New tokens; the old refresh token is used.", body = SessionBody)),
)]
async fn handle(
    State(ctx): State<Context>,
    JsonBody(input): JsonBody<RefreshInput>,
) -> Result<Json<SessionBody>, Problem> {
    Ok(Json(accounts::refresh(&ctx, &input.refresh_token).await?.into()))
}
