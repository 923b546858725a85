//! `DELETE /v1/members/{id}`

use axum::{
    extract::State,
    http::{Method, StatusCode},
};
use shared::{
    domain::{ids::AccountId, permissions::Permission},
    services::{Context, members},
};
use utoipa_axum::routes;

use crate::{
    error::Problem,
    extract::{CallerOf, PathIds},
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::DELETE, "/v1/members/{id}", Access::Needs(Permission::ManageMembers), handle)
        .audited("member.delete")
        .documented(|| routes!(handle))
}

/// Removes a member, or takes back an invitation: tokens and keys end at once.
#[utoipa::path(
    delete,
    path = "/v1/members/{id}",
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
