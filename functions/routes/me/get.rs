//! `GET /v1/me`

use axum::{Json, http::Method};
use shared::domain::{account::Account, permissions::Permission};

use crate::{
    extract::CallerOf,
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::GET, "/v1/me", Access::Needs(Permission::ViewOwnAccount), handle)
}

async fn handle(CallerOf(caller): CallerOf) -> Json<Account> {
    Json(caller.account)
}
