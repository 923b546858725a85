//! `GET /docs`

use axum::response::{Html, IntoResponse};
use http::header::CONTENT_SECURITY_POLICY;

use crate::{
    openapi,
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Public)
}

/// The description of the API as a page.
#[utoipa::path(
    get,
    path = "/docs",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html")),
)]
async fn handle() -> impl IntoResponse {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    ([(CONTENT_SECURITY_POLICY, policy)], Html(openapi::page(super::description())))
}
