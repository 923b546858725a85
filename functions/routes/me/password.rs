//! `POST /v1/me/password`

use axum::{
    extract::State,
    http::{Method, StatusCode},
};
use serde::Deserialize;
use shared::{
    domain::permissions::Permission,
    secret::Secret,
    services::{
        Context,
        accounts::{self, PasswordChange},
    },
};

use crate::{
    error::Problem,
    extract::{CallerOf, JsonBody},
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::POST, "/v1/me/password", Access::Needs(Permission::ManageOwnAccount), handle)
        .audited("account.password")
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Input {
    current_password: Secret,
    new_password: Secret,
}

async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    JsonBody(input): JsonBody<Input>,
) -> Result<StatusCode, Problem> {
    let change = PasswordChange { current: input.current_password, new: input.new_password };
    accounts::change_password(&ctx, &caller, change).await?;
    Ok(StatusCode::NO_CONTENT)
}
