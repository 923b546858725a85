//! `POST /v1/webhooks/{id}/deliveries/{deliveryId}/redeliver`

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use shared::{
    domain::{
        ids::{DeliveryId, WebhookId},
        permissions::Permission,
    },
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
        .audited("webhook.redeliver")
        .failing_with(&[ErrorCode::WebhookInactive, ErrorCode::EventExpired])
}

/// Delivers the event of a delivery again, as a delivery of its own with the same `webhook-id`.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/deliveries/{deliveryId}/redeliver",
    operation_id = "redeliver",
    tag = "webhooks",
    params(("id" = WebhookId, Path), ("deliveryId" = DeliveryId, Path)),
    responses((status = 202, description = "Queued.", body = QueuedBody)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds((id, delivery)): PathIds<(WebhookId, DeliveryId)>,
) -> Result<impl IntoResponse, Problem> {
    let delivery_id = webhooks::redeliver(&ctx, &caller, id, delivery).await?;
    Ok((StatusCode::ACCEPTED, Json(QueuedBody { delivery_id })))
}
