//! `DELETE /v1/admin/tenants/{id}`

use axum::{
    Json,
    extract::State,
    http::{Method, StatusCode},
    response::IntoResponse,
};
use http::header::LOCATION;
use shared::{
    domain::{ids::TenantId, permissions::Permission, tenant::Erasure},
    services::{Context, tenants},
};
use utoipa_axum::routes;

use crate::{
    error::Problem,
    extract::PathIds,
    route::{Access, Route},
};

/// 202: the tenant is gone at once, what it owned is erased in the background, and the erasure says when that is done.
pub fn route() -> Route {
    Route::new(Method::DELETE, "/v1/admin/tenants/{id}", Access::Needs(Permission::ManageTenants), handle)
        .audited("tenant.delete")
        .documented(|| routes!(handle))
}

/// Deletes a tenant with its members: gone at once, erased in the background.
#[utoipa::path(
    delete,
    path = "/v1/admin/tenants/{id}",
    tag = "administration",
    params(("id" = TenantId, Path)),
    responses((status = 202, description = "Being erased.", body = Erasure, headers(("Location" = String, description = "Where it is")))),
)]
async fn handle(
    State(ctx): State<Context>,
    PathIds(id): PathIds<TenantId>,
) -> Result<impl IntoResponse, Problem> {
    let erasure = tenants::delete(&ctx, id).await?;
    Ok((StatusCode::ACCEPTED, [(LOCATION, format!("/v1/admin/tenants/{id}/erasure"))], Json(erasure)))
}
