//! `GET /v1/dead-letters/{messageId}`

use axum::{Json, extract::State};
use shared::{
    domain::{ids::MessageId, message::Message, permissions::Permission},
    services::{Context, messages},
};

use crate::{
    error::Problem,
    extract::{CallerOf, PathIds},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ViewMessages))
}

/// One message that failed for good.
#[utoipa::path(
    get,
    path = "/v1/dead-letters/{messageId}",
    operation_id = "getDeadLetter",
    tag = "messages",
    params(("messageId" = MessageId, Path)),
    responses((status = 200, description = "The message.", body = Message)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<MessageId>,
) -> Result<Json<Message>, Problem> {
    Ok(Json(messages::get_dead_letter(&ctx, &caller, id).await?))
}
