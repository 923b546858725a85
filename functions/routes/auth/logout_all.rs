//! `POST /v1/auth/logout-all`

use axum::{extract::State, http::StatusCode};
use shared::{
    domain::permissions::Permission,
    services::{Context, accounts},
};

use crate::{
    error::Problem,
    extract::CallerOf,
    route::{Access, Route, endpoint},
};

/// Ends every token of the caller's account at once.
pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageOwnAccount)).audited("auth.logoutAll")
}

/// Ends every token of the caller's account at once. API keys go on.
#[utoipa::path(
    post,
    path = "/v1/auth/logout-all",
    operation_id = "logOutEverywhere",
    tag = "accounts",
    responses((status = 204, description = "Ended.")),
)]
async fn handle(State(ctx): State<Context>, CallerOf(caller): CallerOf) -> Result<StatusCode, Problem> {
    accounts::log_out_everywhere(&ctx, &caller).await?;
    Ok(StatusCode::NO_CONTENT)
}
