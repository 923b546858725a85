//! `GET /v1/openapi.json`

use axum::Json;
use utoipa::openapi::OpenApi;

use crate::route::{Access, Route, endpoint};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Public)
}

/// This description.
#[utoipa::path(
    get,
    path = "/v1/openapi.json",
    operation_id = "getDescription",
    tag = "operations",
    responses((status = 200, description = "An OpenAPI document.", body = Object)),
)]
async fn handle() -> Json<&'static OpenApi> {
    Json(super::description())
}
