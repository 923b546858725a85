//! `DELETE /v1/admin/tenants/{id}`

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use http::header::LOCATION;
use shared::{
    domain::{ids::TenantId, permissions::Permission, tenant::Erasure},
    services::{Context, ErrorCode, tenants},
};

use crate::{
    error::Problem,
    extract::PathIds,
    route::{Access, Route, endpoint},
};

/// 202: the tenant is gone at once, what it owned is erased in the background, and the erasure says when that is done.
pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageTenants))
        .audited("tenant.delete")
        .failing_with(&[ErrorCode::HasAdministrator, ErrorCode::ChangedMeanwhile])
}

/// Deletes a tenant with its members: gone at once, erased in the background.
#[utoipa::path(
    delete,
    path = "/v1/admin/tenants/{id}",
    operation_id = "deleteTenant",
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
