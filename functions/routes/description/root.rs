//! `GET /`

use axum::response::Redirect;

use crate::route::{Access, Route, endpoint};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Public)
}

/// Whoever opens the gateway's address in a browser gets to the description.
#[utoipa::path(get, path = "/", responses((status = 303, description = "To the description.")))]
async fn handle() -> Redirect {
    Redirect::to("/docs")
}
