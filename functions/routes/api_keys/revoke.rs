//! `DELETE /v1/api-keys/{id}`

use axum::{
    extract::State,
    http::{Method, StatusCode},
};
use shared::{
    domain::{ids::ApiKeyId, permissions::Permission},
    services::{Context, api_keys},
};
use utoipa_axum::routes;

use crate::{
    error::Problem,
    extract::{CallerOf, PathIds},
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::DELETE, "/v1/api-keys/{id}", Access::Needs(Permission::ManageApiKeys), handle)
        .audited("apiKey.revoke")
        .documented(|| routes!(handle))
}

/// Ends an API key at once.
#[utoipa::path(
    delete,
    path = "/v1/api-keys/{id}",
    tag = "accounts",
    params(("id" = ApiKeyId, Path)),
    responses((status = 204, description = "Ended.")),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<ApiKeyId>,
) -> Result<StatusCode, Problem> {
    api_keys::revoke(&ctx, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
