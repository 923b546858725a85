//! `GET /v1/webhooks`

use axum::{extract::State, response::IntoResponse};
use shared::{
    domain::permissions::Permission,
    services::{Context, webhooks},
};

use super::{
    super::listing::{ListBody, list_body},
    WebhookBody,
};
use crate::{
    error::Problem,
    extract::{CallerOf, PageQuery, QueryParams},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ViewWebhooks))
}

/// The caller's webhooks, oldest first.
#[utoipa::path(
    get,
    path = "/v1/webhooks",
    operation_id = "listWebhooks",
    tag = "webhooks",
    params(PageQuery),
    responses((status = 200, description = "A page.", body = ListBody<WebhookBody>)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    QueryParams(page): QueryParams<PageQuery>,
) -> Result<impl IntoResponse, Problem> {
    let listing = webhooks::list(&ctx, &caller, page.into()).await?;
    Ok(list_body(listing, |webhook| WebhookBody::of(webhook, &caller)))
}
