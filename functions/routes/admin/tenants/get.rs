//! `GET /v1/admin/tenants/{id}`

use axum::{Json, extract::State};
use shared::{
    domain::{ids::TenantId, permissions::Permission, tenant::Tenant},
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

/// One tenant.
#[utoipa::path(
    get,
    path = "/v1/admin/tenants/{id}",
    operation_id = "getAnyTenant",
    tag = "administration",
    params(("id" = TenantId, Path)),
    responses((status = 200, description = "The tenant.", body = Tenant)),
)]
async fn handle(State(ctx): State<Context>, PathIds(id): PathIds<TenantId>) -> Result<Json<Tenant>, Problem> {
    Ok(Json(tenants::get(&ctx, id).await?))
}
