//! `GET /v1/webhooks/{id}/deliveries`

use axum::{extract::State, response::IntoResponse};
use serde::Deserialize;
use shared::{
    domain::{ids::WebhookId, permissions::Permission, webhook::Attempt},
    services::{Context, PageRequest, webhooks},
};
use utoipa::IntoParams;

use super::super::listing::{ListBody, list_body};
use crate::{
    error::Problem,
    extract::{CallerOf, PathIds, QueryParams},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ViewWebhooks))
}

// The paging parameters are spelled out: serde cannot read numbers through `flatten` from a query.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DeliveriesQuery {
    /// `succeeded`, `retrying`, `failed` or `dropped`.
    status: Option<String>,
    /// How many; 50 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// Where to go on.
    cursor: Option<String>,
}

/// What came of each try in the last seven days, newest delivery first.
#[utoipa::path(
    get,
    path = "/v1/webhooks/{id}/deliveries",
    operation_id = "listDeliveries",
    tag = "webhooks",
    params(("id" = WebhookId, Path), DeliveriesQuery),
    responses((status = 200, description = "A page.", body = ListBody<Attempt>)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<WebhookId>,
    QueryParams(input): QueryParams<DeliveriesQuery>,
) -> Result<impl IntoResponse, Problem> {
    let page = PageRequest { limit: input.limit, cursor: input.cursor };
    let listing = webhooks::deliveries(&ctx, &caller, id, input.status.as_deref(), page).await?;
    Ok(list_body(listing, |attempt| attempt))
}
