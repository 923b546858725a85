//! `POST /v1/auth/logout-all`

use axum::{
    extract::State,
    http::{Method, StatusCode},
};
use shared::{
    domain::permissions::Permission,
    services::{Context, accounts},
};
use utoipa_axum::routes;

use crate::{
    error::Problem,
    extract::CallerOf,
    route::{Access, Route},
};

/// Ends every token of the caller's account at once.
pub fn route() -> Route {
    let access = Access::Needs(Permission::ManageOwnAccount);
    Route::new(Method::POST, "/v1/auth/logout-all", access, handle)
        .audited("auth.logoutAll")
        .documented(|| routes!(handle))
}

/// Ends every token of the caller's account at once. API keys go on.
#[utoipa::path(
    post,
    path = "/v1/auth/logout-all",
    tag = "accounts",
    responses((status = 204, description = "Ended.")),
)]
async fn handle(State(ctx): State<Context>, CallerOf(caller): CallerOf) -> Result<StatusCode, Problem> {
    accounts::log_out_everywhere(&ctx, &caller).await?;
    Ok(StatusCode::NO_CONTENT)
}
