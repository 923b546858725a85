//! `GET /v1/devices`

use axum::{extract::State, response::IntoResponse};
use serde::Deserialize;
use shared::{
    domain::permissions::Permission,
    services::{Context, PageRequest, devices},
};
use utoipa::IntoParams;

use super::{
    super::listing::{ListBody, list_body},
    DeviceBody,
};
use crate::{
    error::Problem,
    extract::{CallerOf, QueryParams},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ViewDevices))
}

// The paging parameters are spelled out: serde cannot read numbers through `flatten` from a query.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DevicesQuery {
    status: Option<String>,
    /// How many; 50 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// Where to go on.
    cursor: Option<String>,
}

/// The caller's devices, oldest first.
#[utoipa::path(
    get,
    path = "/v1/devices",
    operation_id = "listDevices",
    tag = "devices",
    params(DevicesQuery),
    responses((status = 200, description = "A page.", body = ListBody<DeviceBody>)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    QueryParams(input): QueryParams<DevicesQuery>,
) -> Result<impl IntoResponse, Problem> {
    let page = PageRequest { limit: input.limit, cursor: input.cursor };
    let listing = devices::list(&ctx, &caller, input.status.as_deref(), page).await?;
    Ok(list_body(listing, DeviceBody::from))
}
