//! `GET /v1/workers`

use axum::{extract::State, response::IntoResponse};
use serde::Deserialize;
use shared::{
    domain::{permissions::Permission, worker::Worker},
    services::{Context, PageRequest, workers},
};
use utoipa::IntoParams;

use super::super::listing::{ListBody, list_body};
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
struct WorkersQuery {
    /// How many; 50 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// Where to go on.
    cursor: Option<String>,
}

/// The connectors that told of themselves in the last minute, oldest first.
#[utoipa::path(
    get,
    path = "/v1/workers",
    operation_id = "listWorkers",
    tag = "operations",
    params(WorkersQuery),
    responses((status = 200, description = "A page.", body = ListBody<Worker>)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    QueryParams(input): QueryParams<WorkersQuery>,
) -> Result<impl IntoResponse, Problem> {
    let WorkersQuery { limit, cursor } = input;
    let listing = workers::list(&ctx, &caller, PageRequest { limit, cursor }).await?;
    Ok(list_body(listing, |worker| worker))
}
