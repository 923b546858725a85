//! `GET /v1/devices/{id}/chats`

use axum::{extract::State, http::Method, response::IntoResponse};
use shared::{
    domain::{ids::DeviceId, permissions::Permission},
    services::{Context, messages},
};

use super::super::listing::list_body;
use crate::{
    error::Problem,
    extract::{CallerOf, PageQuery, PathIds, QueryParams},
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::GET, "/v1/devices/{id}/chats", Access::Needs(Permission::ViewMessages), handle)
}

async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(device): PathIds<DeviceId>,
    QueryParams(page): QueryParams<PageQuery>,
) -> Result<impl IntoResponse, Problem> {
    let listing = messages::list_chats(&ctx, &caller, device, page.into()).await?;
    Ok(list_body(listing, |chat| chat))
}
