//! `GET /v1/plans`

use axum::{Json, extract::State, http::Method};
use serde::Serialize;
use shared::{
    domain::{permissions::Permission, plan::Plan},
    services::Context,
};
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::route::{Access, Route};

pub fn route() -> Route {
    Route::new(Method::GET, "/v1/plans", Access::Needs(Permission::ViewUsage), handle)
        .documented(|| routes!(handle))
}

/// All plans: they are few, so there is one page.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PlansBody {
    items: Vec<PlanBody>,
    next_cursor: Option<String>,
}

/// A plan with its name.
#[derive(Debug, Serialize, ToSchema)]
struct PlanBody {
    name: String,
    #[serde(flatten)]
    limits: Plan,
}

/// What each plan allows.
#[utoipa::path(
    get,
    path = "/v1/plans",
    tag = "accounts",
    responses((status = 200, description = "All plans.", body = PlansBody)),
)]
async fn handle(State(ctx): State<Context>) -> Json<PlansBody> {
    let plans = ctx.plans.iter();
    let items = plans.map(|(name, limits)| PlanBody { name: name.to_owned(), limits: limits.clone() });
    Json(PlansBody { items: items.collect(), next_cursor: None })
}
