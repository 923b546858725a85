//! `GET /v1/usage`

use axum::{Json, extract::State, http::Method};
use serde::Serialize;
use shared::{
    clock::Timestamp,
    domain::permissions::Permission,
    services::{Context, usage},
};

use crate::{
    error::Problem,
    extract::CallerOf,
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::GET, "/v1/usage", Access::Needs(Permission::ViewUsage), handle)
}

#[derive(Debug, Serialize)]
struct Body {
    plan: String,
    limits: Vec<LimitBody>,
}

/// One limit, its use and its reset.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LimitBody {
    name: String,
    /// Null is without limit.
    limit: Option<u32>,
    used: u32,
    /// Null for what is not counted by time.
    resets_at: Option<Timestamp>,
}

async fn handle(State(ctx): State<Context>, CallerOf(caller): CallerOf) -> Result<Json<Body>, Problem> {
    let limits = usage::usage(&ctx, &caller).await?.into_iter().map(|limit| LimitBody {
        name: limit.name,
        limit: limit.limit,
        used: limit.used,
        resets_at: limit.resets_at,
    });
    Ok(Json(Body { plan: caller.account.plan.clone(), limits: limits.collect() }))
}
