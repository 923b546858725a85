//! `DELETE /v1/users/{id}`

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use http::header::LOCATION;
use shared::{
    domain::{account::Erasure, ids::AccountId, permissions::Permission},
    services::{Context, ErrorCode, users},
};

use crate::{
    error::Problem,
    extract::PathIds,
    route::{Access, Route, endpoint},
};

/// 202: the account is gone at once, what it owned is erased in the background, and the erasure says when
/// that is done.
pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageUsers))
        .audited("user.delete")
        .failing_with(&[ErrorCode::LastAdmin, ErrorCode::ChangedMeanwhile])
}

/// Deletes an account: gone at once, erased in the background.
#[utoipa::path(
    delete,
    path = "/v1/users/{id}",
    operation_id = "deleteUser",
    tag = "users",
    params(("id" = AccountId, Path)),
    responses((status = 202, description = "Being erased.", body = Erasure, headers(("Location" = String, description = "Where it is")))),
)]
async fn handle(
    State(ctx): State<Context>,
    PathIds(id): PathIds<AccountId>,
) -> Result<impl IntoResponse, Problem> {
    let erasure = users::delete(&ctx, id).await?;
    Ok((StatusCode::ACCEPTED, [(LOCATION, format!("/v1/users/{id}/erasure"))], Json(erasure)))
}
