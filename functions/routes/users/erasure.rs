//! `GET /v1/users/{id}/erasure`

use axum::{Json, extract::State};
use shared::{
    domain::{account::Erasure, ids::AccountId, permissions::Permission},
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

/// How the erasure of a deleted account stands.
#[utoipa::path(
    get,
    path = "/v1/users/{id}/erasure",
    operation_id = "getErasure",
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
