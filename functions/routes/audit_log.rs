//! `GET /v1/audit-log`

use axum::{extract::State, response::IntoResponse};
use serde::Deserialize;
use shared::{
    clock::Timestamp,
    domain::{
        audit::{AuditEntry, Outcome},
        permissions::Permission,
    },
    services::{
        Context, PageRequest,
        audit::{self, AuditFilter},
    },
};
use utoipa::IntoParams;

use super::listing::{ListBody, list_body};
use crate::{
    error::Problem,
    extract::{CallerOf, QueryParams},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ViewAuditLog))
}

/// Filters; what is not given does not matter.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    action: Option<String>,
    actor_id: Option<String>,
    target: Option<String>,
    outcome: Option<Outcome>,
    since: Option<Timestamp>,
    /// How many; 50 when not given.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u16>,
    /// Where to go on.
    cursor: Option<String>,
}

/// Who did what, newest first: everybody's doings for administrators, else the caller's.
#[utoipa::path(
    get,
    path = "/v1/audit-log",
    operation_id = "listAuditEntries",
    tag = "accounts",
    params(AuditQuery),
    responses((status = 200, description = "A page.", body = ListBody<AuditEntry>)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    QueryParams(input): QueryParams<AuditQuery>,
) -> Result<impl IntoResponse, Problem> {
    let AuditQuery { action, actor_id: actor, target, outcome, since, limit, cursor } = input;
    let filter = AuditFilter { action, actor, target, outcome, since };
    let listing = audit::list(&ctx, &caller, filter, PageRequest { limit, cursor }).await?;
    Ok(list_body(listing, |entry| entry))
}
