//! `PATCH /v1/me`

use axum::{Json, extract::State, http::Method};
use serde::Deserialize;
use shared::{
    domain::{account::Account, permissions::Permission},
    services::{Context, accounts},
};

use crate::{
    error::Problem,
    extract::{CallerOf, JsonBody},
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::PATCH, "/v1/me", Access::Needs(Permission::ManageOwnAccount), handle)
        .audited("account.change")
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: Option<String>,
}

async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    JsonBody(input): JsonBody<Input>,
) -> Result<Json<Account>, Problem> {
    match input.name {
        Some(name) => Ok(Json(accounts::rename(&ctx, &caller, &name).await?)),
        None => Ok(Json(caller.account)),
    }
}
