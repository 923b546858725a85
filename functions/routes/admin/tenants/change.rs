//! `PATCH /v1/admin/tenants/{id}`

use axum::{Json, extract::State, http::Method};
use serde::Deserialize;
use shared::{
    domain::{ids::TenantId, permissions::Permission, tenant::Tenant},
    services::{
        Context,
        tenants::{self, TenantChange},
    },
};
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::{
    error::Problem,
    extract::{JsonBody, PathIds},
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::PATCH, "/v1/admin/tenants/{id}", Access::Needs(Permission::ManageTenants), handle)
        .audited("tenant.change")
        .documented(|| routes!(handle))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeAnyTenantInput {
    name: Option<String>,
    plan: Option<String>,
    active: Option<bool>,
}

/// Changes a tenant's name, plan or activity. Deactivation holds at once.
#[utoipa::path(
    patch,
    path = "/v1/admin/tenants/{id}",
    tag = "administration",
    params(("id" = TenantId, Path)),
    request_body = ChangeAnyTenantInput,
    responses((status = 200, description = "The tenant as it is now.", body = Tenant)),
)]
async fn handle(
    State(ctx): State<Context>,
    PathIds(id): PathIds<TenantId>,
    JsonBody(input): JsonBody<ChangeAnyTenantInput>,
) -> Result<Json<Tenant>, Problem> {
    let ChangeAnyTenantInput { name, plan, active } = input;
    let change = TenantChange { name, plan, active, ..TenantChange::default() };
    Ok(Json(tenants::change(&ctx, id, change).await?))
}
