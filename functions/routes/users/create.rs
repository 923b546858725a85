//! `POST /v1/users`

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use http::header::LOCATION;
use serde::Deserialize;
use shared::{
    domain::{account::Account, permissions::Permission, role::Role},
    secret::Secret,
    services::{
        Context, ErrorCode,
        users::{self, NewUser},
    },
};
use utoipa::ToSchema;

use crate::{
    error::Problem,
    extract::JsonBody,
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageUsers))
        .audited("user.create")
        .failing_with(&[ErrorCode::EmailTaken, ErrorCode::Busy])
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "budi@example.com", "password": "correct horse battery", "name": "Budi", "plan": "pro"}))]
struct NewUserInput {
    email: String,
    password: Secret,
    name: String,
    role: Option<Role>,
    plan: Option<String>,
}

/// Makes an account for somebody.
#[utoipa::path(
    post,
    path = "/v1/users",
    operation_id = "createUser",
    tag = "users",
    request_body = NewUserInput,
    responses((status = 201, description = "Made.", body = Account, headers(("Location" = String, description = "Where it is")))),
)]
async fn handle(
    State(ctx): State<Context>,
    JsonBody(input): JsonBody<NewUserInput>,
) -> Result<impl IntoResponse, Problem> {
    let NewUserInput { email, password, name, role, plan } = input;
    let account = users::create(&ctx, NewUser { email, password, name, role, plan }).await?;
    let location = format!("/v1/users/{}", account.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(account)))
}
