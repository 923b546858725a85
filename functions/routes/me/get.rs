//! `GET /v1/me`

use axum::Json;
use shared::domain::{account::Account, permissions::Permission};

use crate::{
    extract::CallerOf,
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ViewOwnAccount))
}

/// The caller's account.
#[utoipa::path(
    get,
    path = "/v1/me",
    operation_id = "getMe",
    tag = "accounts",
    responses((status = 200, description = "The account.", body = Account)),
)]
async fn handle(CallerOf(caller): CallerOf) -> Json<Account> {
    Json(caller.account)
}
