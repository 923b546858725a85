//! `PATCH /v1/webhooks/{id}`

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use serde::Deserialize;
use shared::{
    domain::{
        ids::{DeviceId, WebhookId},
        permissions::Permission,
    },
    services::{
        Context,
        webhooks::{self, WebhookChange},
    },
};
use utoipa::ToSchema;

use super::{WebhookBody, headers};
use crate::{
    error::Problem,
    extract::{CallerOf, JsonBody, PathIds},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageWebhooks)).audited("webhook.change")
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"active": true}))]
struct ChangeWebhookInput {
    url: Option<String>,
    events: Option<Vec<String>>,
    /// All devices when empty.
    device_ids: Option<Vec<DeviceId>>,
    /// In place of all that there were.
    headers: Option<BTreeMap<String, String>>,
    /// `true` also switches on again what Kurir switched off.
    active: Option<bool>,
}

/// Changes a webhook; what is not given stays.
#[utoipa::path(
    patch,
    path = "/v1/webhooks/{id}",
    operation_id = "changeWebhook",
    tag = "webhooks",
    params(("id" = WebhookId, Path)),
    request_body = ChangeWebhookInput,
    responses((status = 200, description = "The webhook as it is now.", body = WebhookBody)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<WebhookId>,
    JsonBody(input): JsonBody<ChangeWebhookInput>,
) -> Result<Json<WebhookBody>, Problem> {
    let ChangeWebhookInput { url, events, device_ids, headers: given, active } = input;
    let change = WebhookChange { url, events, device_ids, headers: given.map(headers), active };
    let webhook = webhooks::change(&ctx, &caller, id, change).await?;
    Ok(Json(WebhookBody::of(webhook, &caller)))
}
