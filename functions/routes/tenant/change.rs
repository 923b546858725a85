//! `PATCH /v1/tenant`

use axum::{Json, extract::State};
use serde::Deserialize;
use shared::{
    domain::{permissions::Permission, tenant::Tenant},
    services::{
        Context, ErrorCode,
        tenants::{self, TenantChange},
    },
};
use utoipa::ToSchema;

use super::given;
use crate::{
    error::Problem,
    extract::{CallerOf, JsonBody},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageTenant))
        .audited("tenant.change")
        .failing_with(&[ErrorCode::ChangedMeanwhile])
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Shop", "settings": {"timeZone": "Asia/Jakarta"}}))]
struct ChangeTenantInput {
    name: Option<String>,
    #[serde(default)]
    settings: ChangeSettingsInput,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ChangeSettingsInput {
    /// The IANA name of a time zone.
    time_zone: Option<String>,
    /// No more than the plan allows; null for as long as the plan says.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<u32>)]
    retention_days: Option<Option<u32>>,
}

/// Changes name and settings.
#[utoipa::path(
    patch,
    path = "/v1/tenant",
    operation_id = "changeTenant",
    tag = "tenants",
    request_body = ChangeTenantInput,
    responses((status = 200, description = "The tenant as it is now.", body = Tenant)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    JsonBody(input): JsonBody<ChangeTenantInput>,
) -> Result<Json<Tenant>, Problem> {
    let ChangeTenantInput { name, settings: ChangeSettingsInput { time_zone, retention_days } } = input;
    let change = TenantChange { name, time_zone, retention_days, ..TenantChange::default() };
    Ok(Json(tenants::change(&ctx, caller.tenant(), change).await?))
}
