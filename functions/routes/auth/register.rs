//! `POST /v1/auth/register`

use axum::{
    Json,
    extract::State,
    http::{Method, StatusCode},
    response::IntoResponse,
};
use http::header::LOCATION;
use serde::Deserialize;
use shared::{
    secret::Secret,
    services::{
        Context,
        accounts::{self, Registration},
    },
};

use super::SessionBody;
use crate::{
    error::Problem,
    extract::JsonBody,
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::POST, "/v1/auth/register", Access::Public, handle).audited("account.register")
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    email: String,
    password: Secret,
    name: String,
}

async fn handle(
    State(ctx): State<Context>,
    JsonBody(input): JsonBody<Input>,
) -> Result<impl IntoResponse, Problem> {
    let input = Registration { email: input.email, password: input.password, name: input.name };
    let session = accounts::register(&ctx, input).await?;
    Ok((StatusCode::CREATED, [(LOCATION, "/v1/me")], Json(SessionBody::from(session))))
}
