//! `DELETE /v1/webhooks/{id}`

use axum::{
    extract::State,
    http::{Method, StatusCode},
};
use shared::{
    domain::{ids::WebhookId, permissions::Permission},
    services::{Context, webhooks},
};
use utoipa_axum::routes;

use crate::{
    error::Problem,
    extract::{CallerOf, PathIds},
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::DELETE, "/v1/webhooks/{id}", Access::Needs(Permission::ManageWebhooks), handle)
        .audited("webhook.delete")
        .documented(|| routes!(handle))
}

/// Deletes a webhook. What is queued for it is dropped.
#[utoipa::path(
    delete,
    path = "/v1/webhooks/{id}",
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
