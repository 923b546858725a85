//! `GET /v1/usage`

use axum::{Json, extract::State};
use serde::Serialize;
use shared::{
    clock::Timestamp,
    domain::permissions::Permission,
    services::{Context, usage},
};
use utoipa::ToSchema;

use crate::{
    error::Problem,
    extract::CallerOf,
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ViewUsage))
}

#[derive(Debug, Serialize, ToSchema)]
struct UsageBody {
    plan: String,
    limits: Vec<LimitBody>,
}

/// One limit, its use and its reset.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct LimitBody {
    name: String,
    /// Null is without limit.
    limit: Option<u32>,
    used: u32,
    /// Null for what is not counted by time.
    resets_at: Option<Timestamp>,
}

/// What the caller uses of its plan, and when each limit is reset.
#[utoipa::path(
    get,
    path = "/v1/usage",
    operation_id = "getUsage",
    tag = "accounts",
    responses((status = 200, description = "Each limit.", body = UsageBody)),
)]
async fn handle(State(ctx): State<Context>, CallerOf(caller): CallerOf) -> Result<Json<UsageBody>, Problem> {
    let limits = usage::usage(&ctx, &caller).await?.into_iter().map(|limit| LimitBody {
        name: limit.name,
        limit: limit.limit,
        used: limit.used,
        resets_at: limit.resets_at,
    });
    Ok(Json(UsageBody { plan: caller.of().plan.clone(), limits: limits.collect() }))
}
