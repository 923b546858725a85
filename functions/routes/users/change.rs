//! `PATCH /v1/users/{id}`

use axum::{Json, extract::State};
use serde::Deserialize;
use shared::{
    domain::{account::Account, ids::AccountId, permissions::Permission, role::Role},
    services::{
        Context, ErrorCode,
        users::{self, UserChange},
    },
};
use utoipa::ToSchema;

use crate::{
    error::Problem,
    extract::{JsonBody, PathIds},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageUsers))
        .audited("user.change")
        .failing_with(&[ErrorCode::LastAdmin, ErrorCode::ChangedMeanwhile])
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"plan": "pro"}))]
struct ChangeUserInput {
    name: Option<String>,
    role: Option<Role>,
    plan: Option<String>,
    active: Option<bool>,
}

/// Changes name, role, plan or activity. Less trust holds at once.
#[utoipa::path(
    patch,
    path = "/v1/users/{id}",
    operation_id = "changeUser",
    tag = "users",
    params(("id" = AccountId, Path)),
    request_body = ChangeUserInput,
    responses((status = 200, description = "The account as it is now.", body = Account)),
)]
async fn handle(
    State(ctx): State<Context>,
    PathIds(id): PathIds<AccountId>,
    JsonBody(input): JsonBody<ChangeUserInput>,
) -> Result<Json<Account>, Problem> {
    let ChangeUserInput { name, role, plan, active } = input;
    Ok(Json(users::change(&ctx, id, UserChange { name, role, plan, active }).await?))
}
