//! `POST /v1/webhooks/{id}/rotate-secret`

use axum::{Json, extract::State};
use shared::{
    domain::{ids::WebhookId, permissions::Permission},
    services::{Context, ErrorCode, webhooks},
};

use super::WebhookBody;
use crate::{
    error::Problem,
    extract::{CallerOf, PathIds},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageWebhooks))
        .audited("webhook.rotateSecret")
        .failing_with(&[ErrorCode::ChangedMeanwhile])
}

/// Gives a webhook another secret, which is in this answer and nowhere else. The one before signs beside it for
/// 24 hours.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/rotate-secret",
    operation_id = "rotateWebhookSecret",
    tag = "webhooks",
    params(("id" = WebhookId, Path)),
    responses((status = 200, description = "The webhook with its new secret.", body = WebhookBody)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<WebhookId>,
) -> Result<Json<WebhookBody>, Problem> {
    let webhook = webhooks::rotate_secret(&ctx, &caller, id).await?;
    Ok(Json(WebhookBody::showing_secret(webhook, &caller)))
}
