//! `GET /`

use axum::{http::Method, response::Redirect};

use crate::route::{Access, Route};

pub fn route() -> Route {
    Route::new(Method::GET, "/", Access::Public, handle)
}

/// Whoever opens the gateway's address in a browser gets to the description.
async fn handle() -> Redirect {
    Redirect::to("/docs")
}
