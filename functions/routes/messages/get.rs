//! `GET /v1/devices/{id}/messages/{messageId}`

use axum::{Json, extract::State};
use shared::{
    domain::{
        ids::{DeviceId, MessageId},
        permissions::Permission,
    },
    services::{
        Context,
        messages::{self, WithReceipts},
    },
};

use crate::{
    error::Problem,
    extract::{CallerOf, PathIds},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ViewMessages))
}

/// One message.
#[utoipa::path(
    get,
    path = "/v1/devices/{id}/messages/{messageId}",
    operation_id = "getMessage",
    tag = "messages",
    params(("id" = DeviceId, Path), ("messageId" = MessageId, Path)),
    responses((status = 200, description = "The message.", body = WithReceipts)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds((device, id)): PathIds<(DeviceId, MessageId)>,
) -> Result<Json<WithReceipts>, Problem> {
    Ok(Json(messages::get(&ctx, &caller, device, id).await?))
}
