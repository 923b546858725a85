//! `GET /v1/devices/{id}/chats/{jid}/messages`

use axum::{extract::State, response::IntoResponse};
use shared::{
    domain::{ids::DeviceId, message::Message, permissions::Permission},
    services::{Context, messages},
};

use super::super::listing::{ListBody, list_body};
use crate::{
    error::Problem,
    extract::{CallerOf, PageQuery, PathIds, QueryParams},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ViewMessages))
}

/// A chat's messages, newest first.
#[utoipa::path(
    get,
    path = "/v1/devices/{id}/chats/{jid}/messages",
    operation_id = "listChatMessages",
    tag = "messages",
    params(("id" = DeviceId, Path), ("jid" = String, Path, description = "A number or a JID"), PageQuery),
    responses((status = 200, description = "A page.", body = ListBody<Message>)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds((device, chat)): PathIds<(DeviceId, String)>,
    QueryParams(page): QueryParams<PageQuery>,
) -> Result<impl IntoResponse, Problem> {
    let listing = messages::history(&ctx, &caller, device, &chat, page.into()).await?;
    Ok(list_body(listing, |message| message))
}
