//! `GET /v1/admin/tenants/{id}`

use axum::{Json, extract::State, http::Method};
use shared::{
    domain::{ids::TenantId, permissions::Permission, tenant::Tenant},
    services::{Context, tenants},
};
use utoipa_axum::routes;

use crate::{
    error::Problem,
    extract::PathIds,
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::GET, "/v1/admin/tenants/{id}", Access::Needs(Permission::ManageTenants), handle)
        .documented(|| routes!(handle))
}

/// One tenant.
#[utoipa::path(
    get,
    path = "/v1/admin/tenants/{id}",
    tag = "administration",
    params(("id" = TenantId, Path)),
    responses((status = 200, description = "The tenant.", body = Tenant)),
)]
async fn handle(State(ctx): State<Context>, PathIds(id): PathIds<TenantId>) -> Result<Json<Tenant>, Problem> {
    Ok(Json(tenants::get(&ctx, id).await?))
}
