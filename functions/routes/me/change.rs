//! `PATCH /v1/me`

use axum::{Json, extract::State};
use serde::Deserialize;
use shared::{
    domain::{account::Account, permissions::Permission},
    services::{Context, accounts},
};
use utoipa::ToSchema;

use crate::{
    error::Problem,
    extract::{CallerOf, JsonBody},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageOwnAccount)).audited("account.change")
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Ani"}))]
struct ChangeMeInput {
    name: Option<String>,
}

/// Changes the caller's name.
#[utoipa::path(
    patch,
    path = "/v1/me",
    operation_id = "changeMe",
    tag = "accounts",
    request_body = ChangeMeInput,
    responses((status = 200, description = "The account as it is now.", body = Account)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    JsonBody(input): JsonBody<ChangeMeInput>,
) -> Result<Json<Account>, Problem> {
    match input.name {
        Some(name) => Ok(Json(accounts::rename(&ctx, &caller, &name).await?)),
        None => Ok(Json(caller.account)),
    }
}
