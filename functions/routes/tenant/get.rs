//! `GET /v1/tenant`

use axum::Json;
use shared::domain::{permissions::Permission, tenant::Tenant};

use crate::{
    extract::CallerOf,
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ViewTenant))
}

/// The caller's tenant.
#[utoipa::path(
    get,
    path = "/v1/tenant",
    operation_id = "getTenant",
    tag = "tenants",
    responses((status = 200, description = "The tenant.", body = Tenant)),
)]
async fn handle(CallerOf(caller): CallerOf) -> Json<Tenant> {
    Json(caller.of().clone())
}
