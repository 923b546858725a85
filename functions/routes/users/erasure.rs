//! `GET /v1/users/{id}/erasure`

use axum::{Json, extract::State, http::Method};
use shared::{
    domain::{account::Erasure, ids::AccountId, permissions::Permission},
    services::{Context, users},
};
use utoipa_axum::routes;

use crate::{
    error::Problem,
    extract::PathIds,
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::GET, "/v1/users/{id}/erasure", Access::Needs(Permission::ManageUsers), handle)
        .documented(|| routes!(handle))
}

/// How the erasure of a deleted account stands.
#[utoipa::path(
    get,
    path = "/v1/users/{id}/erasure",
    tag = "users",
    params(("id" = AccountId, Path)),
    responses((status = 200, description = "The erasure.", body = Erasure)),
)]
async fn handle(
    State(ctx): State<Context>,
    PathIds(id): PathIds<AccountId>,
) -> Result<Json<Erasure>, Problem> {
    Ok(Json(users::erasure(&ctx, id).await?))
}
