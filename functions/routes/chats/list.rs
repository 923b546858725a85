//! `GET /v1/devices/{id}/chats`

use axum::{extract::State, response::IntoResponse};
use shared::{
    domain::{chat::Chat, ids::DeviceId, permissions::Permission},
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

/// A device's chats, newest message first.
#[utoipa::path(
    get,
    path = "/v1/devices/{id}/chats",
    operation_id = "listChats",
    tag = "messages",
    params(("id" = DeviceId, Path), PageQuery),
    responses((status = 200, description = "A page.", body = ListBody<Chat>)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(device): PathIds<DeviceId>,
    QueryParams(page): QueryParams<PageQuery>,
) -> Result<impl IntoResponse, Problem> {
    let listing = messages::list_chats(&ctx, &caller, device, page.into()).await?;
    Ok(list_body(listing, |chat| chat))
}
