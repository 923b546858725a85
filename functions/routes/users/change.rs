//! `PATCH /v1/users/{id}`

use axum::{Json, extract::State, http::Method};
use serde::Deserialize;
use shared::{
    domain::{account::Account, ids::AccountId, permissions::Permission, role::Role},
    services::{
        Context,
        users::{self, UserChange},
    },
};

use crate::{
    error::Problem,
    extract::{JsonBody, PathIds},
    route::{Access, Route},
};

pub fn route() -> Route {
    let access = Access::Needs(Permission::ManageUsers);
    Route::new(Method::PATCH, "/v1/users/{id}", access, handle).audited("user.change")
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: Option<String>,
    role: Option<Role>,
    plan: Option<String>,
    active: Option<bool>,
}

async fn handle(
    State(ctx): State<Context>,
    PathIds(id): PathIds<AccountId>,
    JsonBody(input): JsonBody<Input>,
) -> Result<Json<Account>, Problem> {
    let Input { name, role, plan, active } = input;
    Ok(Json(users::change(&ctx, id, UserChange { name, role, plan, active }).await?))
}
