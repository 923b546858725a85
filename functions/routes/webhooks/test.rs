//! `POST /v1/webhooks/{id}/test`

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use shared::{
    domain::{ids::WebhookId, permissions::Permission},
    services::{Context, ErrorCode, webhooks},
};

use super::QueuedBody;
use crate::{
    error::Problem,
    extract::{CallerOf, PathIds},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageWebhooks))
        .audited("webhook.test")
        .failing_with(&[ErrorCode::WebhookInactive])
}

/// Sends a `webhook.test` event to this webhook alone, the way that all events go.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/test",
    operation_id = "testWebhook",
    tag = "webhooks",
    params(("id" = WebhookId, Path)),
    responses((status = 202, description = "Queued.", body = QueuedBody)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<WebhookId>,
) -> Result<impl IntoResponse, Problem> {
    let delivery_id = webhooks::test(&ctx, &caller, id).await?;
    Ok((StatusCode::ACCEPTED, Json(QueuedBody { delivery_id })))
}
