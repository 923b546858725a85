//! `GET /v1/webhooks/{id}`

use axum::{Json, extract::State};
use shared::{
    domain::{ids::WebhookId, permissions::Permission},
    services::{Context, webhooks},
};

use super::WebhookBody;
use crate::{
    error::Problem,
    extract::{CallerOf, PathIds},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ViewWebhooks))
}

/// One webhook.
#[utoipa::path(
    get,
    path = "/v1/webhooks/{id}",
    operation_id = "getWebhook",
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
