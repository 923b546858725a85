//! The form of every list.

use axum::Json;
use serde::Serialize;
use shared::services::Listing;
use utoipa::{
    ToSchema,
    openapi::{Array, ArrayBuilder, Ref},
};

/// `{"items": […], "nextCursor": "…"}`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListBody<T: ToSchema> {
    #[schema(schema_with = items_of::<T>)]
    items: Vec<T>,
    /// Where the next page begins; null at the end.
    next_cursor: Option<String>,
}

/// Items by the name of their schema: what is derived would repeat it in each list.
fn items_of<T: ToSchema>() -> Array {
    ArrayBuilder::new().items(Ref::from_schema_name(T::name())).build()
}

/// A list's answer, with each item in the form that `item` gives.
pub(super) fn list_body<T, U: Serialize + ToSchema>(
    listing: Listing<T>,
    item: impl Fn(T) -> U,
) -> Json<ListBody<U>> {
    Json(ListBody { items: listing.items.into_iter().map(item).collect(), next_cursor: listing.next_cursor })
}
