//! `GET /v1/users`

use axum::{extract::State, http::Method, response::IntoResponse};
use serde::Deserialize;
use shared::{
    domain::{permissions::Permission, role::Role},
    services::{
        Context, PageRequest,
        users::{self, UserFilter},
    },
};

use super::super::listing::list_body;
use crate::{
    error::Problem,
    extract::{CallerOf, QueryParams},
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::GET, "/v1/users", Access::Needs(Permission::ManageUsers), handle)
}

/// Filters; what is not given does not matter.
#[derive(Debug, Deserialize)]
struct Input {
    role: Option<Role>,
    plan: Option<String>,
    active: Option<bool>,
    email: Option<String>,
    limit: Option<u16>,
    cursor: Option<String>,
}

async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    QueryParams(input): QueryParams<Input>,
) -> Result<impl IntoResponse, Problem> {
    let Input { role, plan, active, email, limit, cursor } = input;
    let filter = UserFilter { role, plan, active, email };
    let listing = users::list(&ctx, &caller, filter, PageRequest { limit, cursor }).await?;
    Ok(list_body(listing, |account| account))
}
