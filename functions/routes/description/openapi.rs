//! `GET /v1/openapi.json`

use axum::{Json, http::Method};
use utoipa::openapi::OpenApi;

use crate::route::{Access, Route};

pub fn route() -> Route {
    Route::new(Method::GET, "/v1/openapi.json", Access::Public, handle)
}

async fn handle() -> Json<&'static OpenApi> {
    Json(super::description())
}
