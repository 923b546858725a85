//! `POST /v1/webhooks/{id}/replay`

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use serde::{Deserialize, Serialize};
use shared::{
    clock::Timestamp,
    domain::{
        ids::{EventId, WebhookId},
        permissions::Permission,
    },
    services::{
        Context, ErrorCode,
        webhooks::{self, ReplayRange},
    },
};
use utoipa::ToSchema;

use crate::{
    error::Problem,
    extract::{CallerOf, JsonBody, PathIds},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageWebhooks))
        .audited("webhook.replay")
        .failing_with(&[ErrorCode::WebhookInactive, ErrorCode::ReplayUnderWay, ErrorCode::QuotaExceeded])
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"since": "2026-01-01T00:00:00.000Z"}))]
struct ReplayInput {
    /// Events that were logged at this moment or later …
    since: Timestamp,
    /// … and before this one; up to now when not given.
    until: Option<Timestamp>,
    /// Where an earlier answer stopped.
    after: Option<EventId>,
}

/// What a replay did.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ReplayedBody {
    /// How many deliveries are queued.
    queued: usize,
    /// Give it as `after` to go on; null when the range is done.
    stopped_after: Option<EventId>,
}

/// Delivers the events of a range of time again that this webhook wants, about a thousand with each request. Each
/// counts as one of the plan's deliveries.
#[utoipa::path(
    post,
    path = "/v1/webhooks/{id}/replay",
    operation_id = "replayEvents",
    tag = "webhooks",
    params(("id" = WebhookId, Path)),
    request_body = ReplayInput,
    responses((status = 202, description = "Queued.", body = ReplayedBody)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<WebhookId>,
    JsonBody(input): JsonBody<ReplayInput>,
) -> Result<impl IntoResponse, Problem> {
    let ReplayInput { since, until, after } = input;
    let done = webhooks::replay(&ctx, &caller, id, ReplayRange { since, until, after }).await?;
    let body = ReplayedBody { queued: done.queued, stopped_after: done.stopped_after };
    Ok((StatusCode::ACCEPTED, Json(body)))
}
