//! `POST /v1/auth/register`

use axum::{
    Extension, Json,
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
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::SessionBody;
use crate::{
    error::Problem,
    extract::JsonBody,
    route::{Access, AuditNote, Route},
};

pub fn route() -> Route {
    Route::new(Method::POST, "/v1/auth/register", Access::Public, handle)
        .audited("account.register")
        .documented(|| routes!(handle))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RegisterInput {
    email: String,
    password: Secret,
    name: String,
}

/// Registers a stranger and logs it in.
#[utoipa::path(
    post,
    path = "/v1/auth/register",
    tag = "accounts",
    request_body = RegisterInput,
    responses((status = 201, description = "Registered.", body = SessionBody, headers(("Location" = String, description = "Where it is")))),
)]
async fn handle(
    State(ctx): State<Context>,
    JsonBody(input): JsonBody<RegisterInput>,
) -> Result<impl IntoResponse, Problem> {
    let input = Registration { email: input.email, password: input.password, name: input.name };
    let session = accounts::register(&ctx, input).await?;
    let note =
        AuditNote { target: Some(session.account.id.to_string()), actor: Some(session.account.clone()) };
    Ok((StatusCode::CREATED, [(LOCATION, "/v1/me")], Extension(note), Json(SessionBody::from(session))))
}
