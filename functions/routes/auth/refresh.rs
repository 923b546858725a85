//! `POST /v1/auth/refresh`

use axum::{Json, extract::State, http::Method};
use serde::Deserialize;
use shared::{
    secret::Secret,
    services::{Context, accounts},
};

use super::SessionBody;
use crate::{
    error::Problem,
    extract::JsonBody,
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::POST, "/v1/auth/refresh", Access::Public, handle)
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Input {
    refresh_token: Secret,
}

async fn handle(
    State(ctx): State<Context>,
    JsonBody(input): JsonBody<Input>,
) -> Result<Json<SessionBody>, Problem> {
    Ok(Json(accounts::refresh(&ctx, &input.refresh_token).await?.into()))
}
