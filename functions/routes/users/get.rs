//! `GET /v1/users/{id}`

use axum::{Json, extract::State, http::Method};
use shared::{
    domain::{account::Account, ids::AccountId, permissions::Permission},
    services::{Context, users},
};
use utoipa_axum::routes;

use crate::{
    error::Problem,
    extract::PathIds,
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::GET, "/v1/users/{id}", Access::Needs(Permission::ManageUsers), handle)
        .documented(|| routes!(handle))
}

/// One account.
#[utoipa::path(
    get,
    path = "/v1/users/{id}",
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
