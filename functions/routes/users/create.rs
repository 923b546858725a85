//! `POST /v1/users`

use axum::{
    Json,
    extract::State,
    http::{Method, StatusCode},
    response::IntoResponse,
};
use http::header::LOCATION;
use serde::Deserialize;
use shared::{
    domain::{permissions::Permission, role::Role},
    secret::Secret,
    services::{
        Context,
        users::{self, NewUser},
    },
};

use crate::{
    error::Problem,
    extract::JsonBody,
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::POST, "/v1/users", Access::Needs(Permission::ManageUsers), handle)
        .audited("user.create")
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    email: String,
    password: Secret,
    name: String,
    role: Option<Role>,
    plan: Option<String>,
}

async fn handle(
    State(ctx): State<Context>,
    JsonBody(input): JsonBody<Input>,
) -> Result<impl IntoResponse, Problem> {
    let Input { email, password, name, role, plan } = input;
    let account = users::create(&ctx, NewUser { email, password, name, role, plan }).await?;
    let location = format!("/v1/users/{}", account.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(account)))
}
