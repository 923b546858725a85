//! `GET /v1/dead-letters/{messageId}`

use axum::{Json, extract::State, http::Method};
use shared::{
    domain::{ids::MessageId, message::Message, permissions::Permission},
    services::{Context, messages},
};
use utoipa_axum::routes;

use crate::{
    error::Problem,
    extract::{CallerOf, PathIds},
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::GET, "/v1/dead-letters/{messageId}", Access::Needs(Permission::ViewMessages), handle)
        .documented(|| routes!(handle))
}

/// One message that failed for good.
#[utoipa::path(
    get,
    path = "/v1/dead-letters/{messageId}",
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
