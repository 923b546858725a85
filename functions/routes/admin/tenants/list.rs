//! `GET /v1/admin/tenants`

use axum::{extract::State, response::IntoResponse};
use serde::Deserialize;
use shared::{
    domain::{permissions::Permission, tenant::Tenant},
    services::{
        Context, PageRequest,
        tenants::{self, TenantFilter},
    },
};
use utoipa::IntoParams;

use super::super::super::listing::{ListBody, list_body};
use crate::{
    error::Problem,
    extract::{CallerOf, QueryParams},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageTenants))
}

/// Filters; what is not given does not matter.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct TenantsQuery {
    plan: Option<String>,
    active: Option<bool>,
    /// The whole address of a member.
    email: Option<String>,
    /// How many; 50 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// Where to go on.
    cursor: Option<String>,
}

/// Tenants, oldest first.
#[utoipa::path(
    get,
    path = "/v1/admin/tenants",
    operation_id = "listTenants",
    tag = "administration",
    params(TenantsQuery),
    responses((status = 200, description = "A page.", body = ListBody<Tenant>)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    QueryParams(input): QueryParams<TenantsQuery>,
) -> Result<impl IntoResponse, Problem> {
    let TenantsQuery { plan, active, email, limit, cursor } = input;
    let filter = TenantFilter { plan, active, email };
    let listing = tenants::list(&ctx, &caller, filter, PageRequest { limit, cursor }).await?;
    Ok(list_body(listing, |tenant| tenant))
}
