//! `GET /v1/me`

use axum::{Json, http::Method};
use shared::domain::{account::Account, permissions::Permission};
use utoipa_axum::routes;

use crate::{
    extract::CallerOf,
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::GET, "/v1/me", Access::Needs(Permission::ViewOwnAccount), handle)
        .documented(|| routes!(handle))
}

/// The caller's account.
#[utoipa::path(
    get,
    path = "/v1/me",
    tag = "accounts",
    responses((status = 200, description = "The account.", body = Account)),
)]
async fn handle(CallerOf(caller): CallerOf) -> Json<Account> {
    Json(caller.account)
}
