//! `GET /v1/plans`

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use serde::Serialize;
use shared::{
    domain::{
        permissions::Permission,
        plan::{Meter, Plan, Rate},
    },
    services::Context,
};
use utoipa::ToSchema;

use crate::route::{Access, Route, endpoint};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ViewUsage))
}

/// All plans: they are few, so there is one page.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PlansBody {
    items: Vec<PlanBody>,
    next_cursor: Option<String>,
}

/// A plan; what is null, or has no rate, is not limited.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PlanBody {
    name: String,
    devices: Option<u32>,
    auto_replies: Option<u32>,
    schedules: Option<u32>,
    /// How long audit entries are kept, in days.
    audit_days: u32,
    /// How long messages and chats are kept, in days; null is for ever.
    retention_days: Option<u32>,
    rates: BTreeMap<Meter, Vec<Rate>>,
}

impl PlanBody {
    fn of(name: &str, plan: &Plan) -> Self {
        Self {
            name: name.to_owned(),
            devices: plan.devices,
            auto_replies: plan.auto_replies,
            schedules: plan.schedules,
            audit_days: plan.audit_days,
            retention_days: plan.retention_days,
            rates: plan.rates.clone(),
        }
    }
}

/// What each plan allows.
#[utoipa::path(
    get,
    path = "/v1/plans",
    operation_id = "listPlans",
    tag = "accounts",
    responses((status = 200, description = "All plans.", body = PlansBody)),
)]
async fn handle(State(ctx): State<Context>) -> Json<PlansBody> {
    let items = ctx.plans.iter().map(|(name, plan)| PlanBody::of(name, plan));
    Json(PlansBody { items: items.collect(), next_cursor: None })
}
