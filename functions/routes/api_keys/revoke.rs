//! `DELETE /v1/api-keys/{id}`

use axum::{extract::State, http::StatusCode};
use shared::{
    domain::{ids::ApiKeyId, permissions::Permission},
    services::{Context, api_keys},
};

use crate::{
    error::Problem,
    extract::{CallerOf, PathIds},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageApiKeys)).audited("apiKey.revoke")
}

/// Ends an API key at once.
#[utoipa::path(
    delete,
    path = "/v1/api-keys/{id}",
    operation_id = "revokeApiKey",
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
