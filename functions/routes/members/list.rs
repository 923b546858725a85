//! `GET /v1/members`

use axum::{extract::State, response::IntoResponse};
use shared::{
    domain::{account::Account, permissions::Permission},
    services::{Context, members},
};

use super::super::listing::{ListBody, list_body};
use crate::{
    error::Problem,
    extract::{CallerOf, PageQuery, QueryParams},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageMembers))
}

/// The members of the caller's tenant, oldest first. Who is invited has an `inviteExpiresAt`.
#[utoipa::path(
    get,
    path = "/v1/members",
    operation_id = "listMembers",
    tag = "tenants",
    params(PageQuery),
    responses((status = 200, description = "A page.", body = ListBody<Account>)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    QueryParams(page): QueryParams<PageQuery>,
) -> Result<impl IntoResponse, Problem> {
    let listing = members::list(&ctx, &caller, page.into()).await?;
    Ok(list_body(listing, |account| account))
}
