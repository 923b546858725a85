//! `GET /v1/events/history`

use axum::{extract::State, response::IntoResponse};
use serde::Deserialize;
use shared::{
    clock::Timestamp,
    domain::{event::Event, ids::DeviceId, permissions::Permission},
    services::{
        Context, PageRequest,
        events::{self, EventFilter},
    },
};
use utoipa::IntoParams;

use super::super::listing::{ListBody, list_body};
use crate::{
    error::Problem,
    extract::{CallerOf, QueryParams},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ViewMessages))
}

/// Filters; what is not given does not matter.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct HistoryQuery {
    /// Types, separated by commas; `message.*` is a family of them.
    types: Option<String>,
    device_id: Option<DeviceId>,
    /// Not earlier than this.
    since: Option<Timestamp>,
    /// How many at most; 50 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// Where to go on.
    cursor: Option<String>,
}

/// The caller's events, newest first, as far back as they are kept. A page that is filtered may be short while
/// there is more.
#[utoipa::path(
    get,
    path = "/v1/events/history",
    operation_id = "listEvents",
    tag = "events",
    params(HistoryQuery),
    responses((status = 200, description = "A page.", body = ListBody<Event>)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    QueryParams(input): QueryParams<HistoryQuery>,
) -> Result<impl IntoResponse, Problem> {
    let HistoryQuery { types, device_id, since, limit, cursor } = input;
    let filter = EventFilter::parse(types.as_deref(), device_id)?;
    let page = PageRequest { limit, cursor };
    let listing = events::history(&ctx, &caller, filter, since, page).await?;
    Ok(list_body(listing, |event| event))
}
