//! `GET /v1/users`

use axum::{extract::State, response::IntoResponse};
use serde::Deserialize;
use shared::{
    domain::{account::Account, permissions::Permission, role::Role},
    services::{
        Context, PageRequest,
        users::{self, UserFilter},
    },
};
use utoipa::IntoParams;

use super::super::listing::{ListBody, list_body};
use crate::{
    error::Problem,
    extract::{CallerOf, QueryParams},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageUsers))
}

/// Filters; what is not given does not matter.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct UsersQuery {
    role: Option<Role>,
    plan: Option<String>,
    active: Option<bool>,
    email: Option<String>,
    /// How many; 50 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// Where to go on.
    cursor: Option<String>,
}

/// Accounts, oldest first.
#[utoipa::path(
    get,
    path = "/v1/users",
    operation_id = "listUsers",
    tag = "users",
    params(UsersQuery),
    responses((status = 200, description = "A page.", body = ListBody<Account>)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    QueryParams(input): QueryParams<UsersQuery>,
) -> Result<impl IntoResponse, Problem> {
    let UsersQuery { role, plan, active, email, limit, cursor } = input;
    let filter = UserFilter { role, plan, active, email };
    let listing = users::list(&ctx, &caller, filter, PageRequest { limit, cursor }).await?;
    Ok(list_body(listing, |account| account))
}
