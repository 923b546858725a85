//! `POST /v1/devices/{id}/messages/{messageId}/cancel`

use axum::{Json, extract::State};
use shared::{
    domain::{
        ids::{DeviceId, MessageId},
        message::Message,
        permissions::Permission,
    },
    services::{Context, ErrorCode, messages},
};

use crate::{
    error::Problem,
    extract::{CallerOf, PathIds},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::SendMessages))
        .audited("message.cancel")
        .failing_with(&[ErrorCode::NotCancellable])
}

/// Withdraws a queued message. 409 `not_cancellable` once its turn has come.
#[utoipa::path(
    post,
    path = "/v1/devices/{id}/messages/{messageId}/cancel",
    operation_id = "cancelMessage",
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
