//! `POST /v1/devices/{id}/messages/{messageId}/cancel`

use axum::{Json, extract::State, http::Method};
use shared::{
    domain::{
        ids::{DeviceId, MessageId},
        message::Message,
        permissions::Permission,
    },
    services::{Context, messages},
};
use utoipa_axum::routes;

use crate::{
    error::Problem,
    extract::{CallerOf, PathIds},
    route::{Access, Route},
};

pub fn route() -> Route {
    let path = "/v1/devices/{id}/messages/{messageId}/cancel";
    Route::new(Method::POST, path, Access::Needs(Permission::SendMessages), handle)
        .audited("message.cancel")
        .documented(|| routes!(handle))
}

/// Withdraws a queued message. 409 `not_cancellable` once its turn has come.
#[utoipa::path(
    post,
    path = "/v1/devices/{id}/messages/{messageId}/cancel",
    tag = "messages",
    params(("id" = DeviceId, Path), ("messageId" = MessageId, Path)),
    responses((status = 200, description = "The message, cancelled.", body = Message)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds((device, id)): PathIds<(DeviceId, MessageId)>,
) -> Result<Json<Message>, Problem> {
    Ok(Json(messages::cancel(&ctx, &caller, device, id).await?))
}
