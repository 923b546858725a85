//! `GET /v1/users/{id}/erasure`

use axum::{Json, extract::State, http::Method};
use shared::{
    domain::{account::Erasure, ids::AccountId, permissions::Permission},
    services::{Context, users},
};

use crate::{
    error::Problem,
    extract::PathIds,
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::GET, "/v1/users/{id}/erasure", Access::Needs(Permission::ManageUsers), handle)
}

async fn handle(
    State(ctx): State<Context>,
    PathIds(id): PathIds<AccountId>,
) -> Result<Json<Erasure>, Problem> {
    Ok(Json(users::erasure(&ctx, id).await?))
}
