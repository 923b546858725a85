//! `POST /v1/auth/logout`

use axum::{
    extract::State,
    http::{Method, StatusCode},
};
use serde::Deserialize;
use shared::{
    secret::Secret,
    services::{Context, accounts},
};

use crate::{
    error::Problem,
    extract::JsonBody,
    route::{Access, Route},
};

/// Public: the refresh token itself is the proof.
pub fn route() -> Route {
    Route::new(Method::POST, "/v1/auth/logout", Access::Public, handle).audited("auth.logout")
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Input {
    refresh_token: Secret,
}

async fn handle(State(ctx): State<Context>, JsonBody(input): JsonBody<Input>) -> Result<StatusCode, Problem> {
    accounts::log_out(&ctx, &input.refresh_token).await?;
    Ok(StatusCode::NO_CONTENT)
}
