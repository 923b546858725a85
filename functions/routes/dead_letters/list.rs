//! `GET /v1/dead-letters`

use axum::{extract::State, response::IntoResponse};
use serde::Deserialize;
use shared::{
    domain::{ids::DeviceId, message::Message, permissions::Permission},
    services::{Context, PageRequest, messages},
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

#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct DeadLettersQuery {
    /// Only those of one device.
    device_id: Option<DeviceId>,
    /// How many; 50 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// Where to go on.
    cursor: Option<String>,
}

/// Messages that failed for good, the latest failure first; `error` says why.
#[utoipa::path(
    get,
    path = "/v1/dead-letters",
    operation_id = "listDeadLetters",
    tag = "messages",
    params(DeadLettersQuery),
    responses((status = 200, description = "A page.", body = ListBody<Message>)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    QueryParams(input): QueryParams<DeadLettersQuery>,
) -> Result<impl IntoResponse, Problem> {
    let page = PageRequest { limit: input.limit, cursor: input.cursor };
    let listing = messages::list_dead_letters(&ctx, &caller, input.device_id, page).await?;
    Ok(list_body(listing, |message| message))
}
