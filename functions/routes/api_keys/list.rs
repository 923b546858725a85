//! `GET /v1/api-keys`

use axum::{extract::State, response::IntoResponse};
use shared::{
    domain::permissions::Permission,
    services::{Context, api_keys},
};

use super::{
    super::listing::{ListBody, list_body},
    ApiKeyBody,
};
use crate::{
    error::Problem,
    extract::{CallerOf, PageQuery, QueryParams},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageApiKeys))
}

/// The caller's API keys, oldest first.
#[utoipa::path(
    get,
    path = "/v1/api-keys",
    operation_id = "listApiKeys",
    tag = "accounts",
    params(PageQuery),
    responses((status = 200, description = "A page.", body = ListBody<ApiKeyBody>)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    QueryParams(page): QueryParams<PageQuery>,
) -> Result<impl IntoResponse, Problem> {
    let listing = api_keys::list(&ctx, &caller, page.into()).await?;
    Ok(list_body(listing, |key| ApiKeyBody::of(key, None)))
}
