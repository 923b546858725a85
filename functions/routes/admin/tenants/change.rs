//! `PATCH /v1/admin/tenants/{id}`

use axum::{Json, extract::State};
use serde::Deserialize;
use shared::{
    domain::{ids::TenantId, permissions::Permission, tenant::Tenant},
    services::{
        Context, ErrorCode,
        tenants::{self, TenantChange},
    },
};
use utoipa::ToSchema;

use crate::{
    error::Problem,
    extract::{JsonBody, PathIds},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageTenants))
        .audited("tenant.change")
        .failing_with(&[ErrorCode::HasAdministrator, ErrorCode::ChangedMeanwhile])
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"plan": "pro"}))]
struct ChangeAnyTenantInput {
    name: Option<String>,
    plan: Option<String>,
    active: Option<bool>,
}

/// Changes a tenant's name, plan or activity. Deactivation holds at once.
#[utoipa::path(
    patch,
    path = "/v1/admin/tenants/{id}",
    operation_id = "changeAnyTenant",
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
