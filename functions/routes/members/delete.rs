//! `DELETE /v1/members/{id}`

use axum::{extract::State, http::StatusCode};
use shared::{
    domain::{ids::AccountId, permissions::Permission},
    services::{Context, ErrorCode, members},
};

use crate::{
    error::Problem,
    extract::{CallerOf, PathIds},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageMembers))
        .audited("member.delete")
        .failing_with(&[ErrorCode::LastOwner, ErrorCode::LastAdmin, ErrorCode::ChangedMeanwhile])
}

/// Removes a member, or takes back an invitation: tokens and keys end at once.
#[utoipa::path(
    delete,
    path = "/v1/members/{id}",
    operation_id = "deleteMember",
    tag = "tenants",
    params(("id" = AccountId, Path)),
    responses((status = 204, description = "Removed.")),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<AccountId>,
) -> Result<StatusCode, Problem> {
    members::delete(&ctx, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
