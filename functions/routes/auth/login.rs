//! `POST /v1/auth/login`

use axum::{Json, extract::State, http::Method};
use serde::Deserialize;
use shared::{
    secret::Secret,
    services::{
        Context,
        accounts::{self, Login},
    },
};

use super::SessionBody;
use crate::{
    error::Problem,
    extract::JsonBody,
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::POST, "/v1/auth/login", Access::Public, handle)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    email: String,
    password: Secret,
}

async fn handle(
    State(ctx): State<Context>,
    JsonBody(input): JsonBody<Input>,
) -> Result<Json<SessionBody>, Problem> {
    let session = accounts::log_in(&ctx, Login { email: input.email, password: input.password }).await?;
    Ok(Json(session.into()))
}
