//! `GET /v1/webhooks/{id}`

use axum::{Json, extract::State, http::Method};
use shared::{
    domain::{ids::WebhookId, permissions::Permission},
    services::{Context, webhooks},
};
use utoipa_axum::routes;

use super::WebhookBody;
use crate::{
    error::Problem,
    extract::{CallerOf, PathIds},
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::GET, "/v1/webhooks/{id}", Access::Needs(Permission::ViewWebhooks), handle)
        .documented(|| routes!(handle))
}

/// One webhook.
#[utoipa::path(
    get,
    path = "/v1/webhooks/{id}",
    tag = "webhooks",
    params(("id" = WebhookId, Path)),
    responses((status = 200, description = "The webhook.", body = WebhookBody)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<WebhookId>,
) -> Result<Json<WebhookBody>, Problem> {
    let webhook = webhooks::get(&ctx, &caller, id).await?;
    Ok(Json(WebhookBody::of(webhook, &caller)))
}
