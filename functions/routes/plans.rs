//! `GET /v1/plans`

use axum::{Json, extract::State, http::Method};
use serde::Serialize;
use shared::{
    domain::{permissions::Permission, plan::Plan},
    services::Context,
};

use crate::route::{Access, Route};

pub fn route() -> Route {
    Route::new(Method::GET, "/v1/plans", Access::Needs(Permission::ViewUsage), handle)
}

/// All plans: they are few, so there is one page.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    items: Vec<PlanBody>,
    next_cursor: Option<String>,
}

/// A plan with its name.
#[derive(Debug, Serialize)]
struct PlanBody {
    name: String,
    #[serde(flatten)]
    limits: Plan,
}

async fn handle(State(ctx): State<Context>) -> Json<Body> {
    let plans = ctx.plans.iter();
    let items = plans.map(|(name, limits)| PlanBody { name: name.to_owned(), limits: limits.clone() });
    Json(Body { items: items.collect(), next_cursor: None })
}
