//! `POST /v1/me/password`

use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use shared::{
    domain::permissions::Permission,
    secret::Secret,
    services::{
        Context, ErrorCode,
        accounts::{self, PasswordChange},
    },
};
use utoipa::ToSchema;

use crate::{
    error::Problem,
    extract::{CallerOf, JsonBody},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageOwnAccount))
        .audited("account.password")
        .failing_with(&[ErrorCode::NotFound, ErrorCode::Busy])
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"currentPassword": "correct horse battery", "newPassword": "staple by the paper clip"}))]
struct PasswordInput {
    current_password: Secret,
    new_password: Secret,
}

/// Changes the caller's password and ends all of its tokens.
#[utoipa::path(
    post,
    path = "/v1/me/password",
    operation_id = "changePassword",
    tag = "accounts",
    request_body = PasswordInput,
    responses((status = 204, description = "Changed.")),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    JsonBody(input): JsonBody<PasswordInput>,
) -> Result<StatusCode, Problem> {
    let change = PasswordChange { current: input.current_password, new: input.new_password };
    accounts::change_password(&ctx, &caller, change).await?;
    Ok(StatusCode::NO_CONTENT)
}
