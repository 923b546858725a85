//! `GET /docs`

use axum::{
    http::Method,
    response::{Html, IntoResponse},
};
use http::header::CONTENT_SECURITY_POLICY;

use crate::{
    openapi,
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::GET, "/docs", Access::Public, handle)
}

async fn handle() -> impl IntoResponse {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
    ([(CONTENT_SECURITY_POLICY, policy)], Html(openapi::page(super::description())))
}
