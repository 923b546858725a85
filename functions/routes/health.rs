//! `GET /v1/health`

use axum::{Json, extract::State, http::Method};
use serde::Serialize;
use shared::{
    domain::permissions::Permission,
    services::{Context, HealthStatus, health},
};
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::{
    extract::MaybeCaller,
    route::{Access, Route},
};

/// Public; callers who may see operations also see each dependency.
pub fn route() -> Route {
    Route::new(Method::GET, "/v1/health", Access::Public, handle).documented(|| routes!(handle))
}

#[derive(Debug, Serialize, ToSchema)]
struct HealthBody {
    status: &'static str,
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dependencies: Option<Dependencies>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Dependencies {
    dynamodb: &'static str,
    sqs: &'static str,
}

/// Whether Kurir works; operators also see each dependency.
#[utoipa::path(
    get,
    path = "/v1/health",
    tag = "operations",
    responses((status = 200, description = "How it is.", body = HealthBody)),
)]
async fn handle(State(ctx): State<Context>, MaybeCaller(caller): MaybeCaller) -> Json<HealthBody> {
    let health = health(&ctx).await;
    let word = |up| if up { "up" } else { "down" };
    let sees_all = caller.is_some_and(|caller| caller.role.allows(Permission::ViewOperations));
    Json(HealthBody {
        status: match health.status() {
            HealthStatus::Healthy => "healthy",
            HealthStatus::Degraded => "degraded",
        },
        version: env!("CARGO_PKG_VERSION"),
        dependencies: sees_all
            .then(|| Dependencies { dynamodb: word(health.dynamodb), sqs: word(health.sqs) }),
    })
}
