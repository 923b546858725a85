//! `GET /v1/tenant`

use axum::{Json, http::Method};
use shared::domain::{permissions::Permission, tenant::Tenant};
use utoipa_axum::routes;

use crate::{
    extract::CallerOf,
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::GET, "/v1/tenant", Access::Needs(Permission::ViewTenant), handle)
        .documented(|| routes!(handle))
}

/// The caller's tenant.
#[utoipa::path(
    get,
    path = "/v1/tenant",
    tag = "tenants",
    responses((status = 200, description = "The tenant.", body = Tenant)),
)]
async fn handle(CallerOf(caller): CallerOf) -> Json<Tenant> {
    Json(caller.of().clone())
}
