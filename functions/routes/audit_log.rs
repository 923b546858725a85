//! `GET /v1/audit-log`

use axum::{extract::State, http::Method, response::IntoResponse};
use serde::Deserialize;
use shared::{
    clock::Timestamp,
    domain::{audit::Outcome, ids::AccountId, permissions::Permission},
    services::{
        Context, PageRequest,
        audit::{self, AuditFilter},
    },
};

use super::listing::list_body;
use crate::{
    error::Problem,
    extract::{CallerOf, QueryParams},
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::GET, "/v1/audit-log", Access::Needs(Permission::ViewAuditLog), handle)
}

/// Filters; what is not given does not matter.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    action: Option<String>,
    actor_id: Option<AccountId>,
    target: Option<String>,
    outcome: Option<Outcome>,
    since: Option<Timestamp>,
    limit: Option<u16>,
    cursor: Option<String>,
}

async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    QueryParams(input): QueryParams<Input>,
) -> Result<impl IntoResponse, Problem> {
    let Input { action, actor_id: actor, target, outcome, since, limit, cursor } = input;
    let filter = AuditFilter { action, actor, target, outcome, since };
    let listing = audit::list(&ctx, &caller, filter, PageRequest { limit, cursor }).await?;
    Ok(list_body(listing, |entry| entry))
}
