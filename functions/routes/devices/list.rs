//! `GET /v1/devices`

use axum::{extract::State, http::Method, response::IntoResponse};
use serde::Deserialize;
use shared::{
    domain::permissions::Permission,
    services::{Context, PageRequest, devices},
};

use super::{super::listing::list_body, DeviceBody};
use crate::{
    error::Problem,
    extract::{CallerOf, QueryParams},
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::GET, "/v1/devices", Access::Needs(Permission::ViewDevices), handle)
}

// The paging parameters are spelled out: serde cannot read numbers through `flatten` from a query.
#[derive(Debug, Deserialize)]
struct Input {
    status: Option<String>,
    limit: Option<u16>,
    cursor: Option<String>,
}

async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    QueryParams(input): QueryParams<Input>,
) -> Result<impl IntoResponse, Problem> {
    let page = PageRequest { limit: input.limit, cursor: input.cursor };
    let listing = devices::list(&ctx, &caller, input.status.as_deref(), page).await?;
    Ok(list_body(listing, DeviceBody::from))
}
