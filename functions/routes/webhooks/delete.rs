//! `DELETE /v1/webhooks/{id}`

use axum::{extract::State, http::StatusCode};
use shared::{
    domain::{ids::WebhookId, permissions::Permission},
    services::{Context, webhooks},
};

use crate::{
    error::Problem,
    extract::{CallerOf, PathIds},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageWebhooks)).audited("webhook.delete")
}

/// Deletes a webhook. What is queued for it is dropped.
#[utoipa::path(
    delete,
    path = "/v1/webhooks/{id}",
    operation_id = "deleteWebhook",
    tag = "webhooks",
    params(("id" = WebhookId, Path)),
    responses((status = 204, description = "Gone.")),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<WebhookId>,
) -> Result<StatusCode, Problem> {
    webhooks::delete(&ctx, &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
