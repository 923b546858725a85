//! `GET /v1/admin/devices`

use axum::{extract::State, response::IntoResponse};
use serde::{Deserialize, Serialize};
use shared::{
    domain::{device::Device, ids::TenantId, permissions::Permission},
    services::{
        Context, PageRequest,
        devices::{self, DeviceFilter},
    },
};
use utoipa::{IntoParams, ToSchema};

use super::super::{
    devices::DeviceBody,
    listing::{ListBody, list_body},
};
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
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct AllDevicesQuery {
    tenant_id: Option<TenantId>,
    status: Option<String>,
    /// How many; 50 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// Where to go on.
    cursor: Option<String>,
}

/// A device, and whose it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AnyDeviceBody {
    tenant_id: TenantId,
    #[serde(flatten)]
    device: DeviceBody,
}

impl From<Device> for AnyDeviceBody {
    fn from(device: Device) -> Self {
        Self { tenant_id: device.account_id, device: device.into() }
    }
}

/// Devices of all tenants, or of one. A page that is filtered may be short while there is more.
#[utoipa::path(
    get,
    path = "/v1/admin/devices",
    operation_id = "listAnyDevices",
    tag = "administration",
    params(AllDevicesQuery),
    responses((status = 200, description = "A page.", body = ListBody<AnyDeviceBody>)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    QueryParams(input): QueryParams<AllDevicesQuery>,
) -> Result<impl IntoResponse, Problem> {
    let AllDevicesQuery { tenant_id: tenant, status, limit, cursor } = input;
    let filter = DeviceFilter { tenant, status };
    let listing = devices::list_all(&ctx, &caller, filter, PageRequest { limit, cursor }).await?;
    Ok(list_body(listing, AnyDeviceBody::from))
}
