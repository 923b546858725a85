//! The form of every list.

use axum::Json;
use serde::Serialize;
use shared::services::Listing;
use utoipa::ToSchema;

/// `{"items": […], "nextCursor": "…"}`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListBody<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

/// A list's answer, with each item in the form that `item` gives.
pub(super) fn list_body<T, U: Serialize>(listing: Listing<T>, item: impl Fn(T) -> U) -> Json<ListBody<U>> {
    Json(ListBody { items: listing.items.into_iter().map(item).collect(), next_cursor: listing.next_cursor })
}
