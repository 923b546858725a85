//! `GET /v1/set-aside`

use axum::{extract::State, response::IntoResponse};
use serde::Deserialize;
use shared::{
    domain::{permissions::Permission, set_aside::SetAside},
    services::{Context, PageRequest, set_aside},
};
use utoipa::IntoParams;

use super::listing::{ListBody, list_body};
use crate::{
    error::Problem,
    extract::{CallerOf, QueryParams},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ViewOperations))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SetAsideQuery {
    /// How many; 50 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// Where to go on.
    cursor: Option<String>,
}

/// What could never be stored, sent or told and was passed over in the last 30 days, the latest first.
#[utoipa::path(
    get,
    path = "/v1/set-aside",
    operation_id = "listSetAside",
    tag = "operations",
    params(SetAsideQuery),
    responses((status = 200, description = "A page.", body = ListBody<SetAside>)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    QueryParams(input): QueryParams<SetAsideQuery>,
) -> Result<impl IntoResponse, Problem> {
    let SetAsideQuery { limit, cursor } = input;
    let listing = set_aside::list(&ctx, &caller, PageRequest { limit, cursor }).await?;
    Ok(list_body(listing, |item| item))
}
