//! `POST /v1/auth/login`

use axum::{
    Json,
    extract::State,
    http::Method,
    response::{IntoResponse, Response},
};
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
    extract::{ClientAddress, JsonBody},
    route::{Access, AuditNote, Route},
};

pub fn route() -> Route {
    Route::new(Method::POST, "/v1/auth/login", Access::Public, handle).audited("auth.login")
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    email: String,
    password: Secret,
}

async fn handle(
    State(ctx): State<Context>,
    ClientAddress(ip): ClientAddress,
    JsonBody(input): JsonBody<Input>,
) -> Response {
    let target = Some(input.email.chars().take(254).collect());
    let login = Login { email: input.email, password: input.password, ip };
    let (actor, mut response) = match accounts::log_in(&ctx, login).await {
        Ok(session) => (Some(session.account.clone()), Json(SessionBody::from(session)).into_response()),
        Err(error) => (None, Problem::from(error).into_response()),
    };
    response.extensions_mut().insert(AuditNote { actor, target });
    response
}
