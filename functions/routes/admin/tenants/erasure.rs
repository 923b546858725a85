//! `GET /v1/admin/tenants/{id}/erasure`

use axum::{Json, extract::State};
use shared::{
    domain::{ids::TenantId, permissions::Permission, tenant::Erasure},
    services::{Context, tenants},
};

use crate::{
    error::Problem,
    extract::PathIds,
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageTenants))
}

/// How the erasure of a deleted tenant stands.
#[utoipa::path(
    get,
    path = "/v1/admin/tenants/{id}/erasure",
    operation_id = "getErasure",
    tag = "administration",
    params(("id" = TenantId, Path)),
    responses((status = 200, description = "The erasure.", body = Erasure)),
)]
async fn handle(
    State(ctx): State<Context>,
    PathIds(id): PathIds<TenantId>,
) -> Result<Json<Erasure>, Problem> {
    Ok(Json(tenants::erasure(&ctx, id).await?))
}
