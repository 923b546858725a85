//! `GET /v1/admin/tenants/{id}/erasure`

use axum::{Json, extract::State, http::Method};
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

pub fn route() -> Route {
    let access = Access::Needs(Permission::ManageTenants);
    Route::new(Method::GET, "/v1/admin/tenants/{id}/erasure", access, handle).documented(|| routes!(handle))
}

/// How the erasure of a deleted tenant stands.
#[utoipa::path(
    get,
    path = "/v1/admin/tenants/{id}/erasure",
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
