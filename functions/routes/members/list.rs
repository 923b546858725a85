//! `GET /v1/members`

use axum::{extract::State, http::Method, response::IntoResponse};
use shared::{
    domain::{account::Account, permissions::Permission},
    services::{Context, members},
};
use utoipa_axum::routes;

use super::super::listing::{ListBody, list_body};
use crate::{
    error::Problem,
    extract::{CallerOf, PageQuery, QueryParams},
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::GET, "/v1/members", Access::Needs(Permission::ManageMembers), handle)
        .documented(|| routes!(handle))
}

/// The members of the caller's tenant, oldest first. Who is invited has an `inviteExpiresAt`.
#[utoipa::path(
    get,
    path = "/v1/members",
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
