//! `GET /v1/users/{id}`

use axum::{Json, extract::State};
use shared::{
    domain::{account::Account, ids::AccountId, permissions::Permission},
    services::{Context, users},
};

use crate::{
    error::Problem,
    extract::PathIds,
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageUsers))
}

/// One account.
#[utoipa::path(
    get,
    path = "/v1/users/{id}",
    operation_id = "getUser",
    tag = "users",
    params(("id" = AccountId, Path)),
    responses((status = 200, description = "The account.", body = Account)),
)]
async fn handle(
    State(ctx): State<Context>,
    PathIds(id): PathIds<AccountId>,
) -> Result<Json<Account>, Problem> {
    Ok(Json(users::get(&ctx, id).await?))
}
