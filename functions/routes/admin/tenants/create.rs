//! `POST /v1/admin/tenants`

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use http::header::LOCATION;
use serde::{Deserialize, Serialize};
use shared::{
    domain::{permissions::Permission, tenant::Tenant},
    secret::Secret,
    services::{
        Context, ErrorCode,
        accounts::NewMember,
        tenants::{self, NewTenant},
    },
};
use utoipa::ToSchema;

use super::super::super::members::MemberBody;
use crate::{
    error::Problem,
    extract::JsonBody,
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageTenants))
        .audited("tenant.create")
        .failing_with(&[ErrorCode::EmailTaken, ErrorCode::Busy])
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Shop", "owner": {"email": "budi@example.com", "name": "Budi"}}))]
struct NewTenantInput {
    name: String,
    plan: Option<String>,
    owner: NewOwnerInput,
}

/// The first owner.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewOwnerInput {
    email: String,
    name: String,
    /// Without one the person is invited.
    password: Option<Secret>,
}

/// A tenant that was made, with its owner.
#[derive(Debug, Serialize, ToSchema)]
struct MadeTenantBody {
    #[serde(flatten)]
    tenant: Tenant,
    owner: MemberBody,
}

/// Makes a tenant with its first owner.
#[utoipa::path(
    post,
    path = "/v1/admin/tenants",
    operation_id = "createTenant",
    tag = "administration",
    request_body = NewTenantInput,
    responses((status = 201, description = "Made.", body = MadeTenantBody, headers(("Location" = String, description = "Where it is")))),
)]
async fn handle(
    State(ctx): State<Context>,
    JsonBody(input): JsonBody<NewTenantInput>,
) -> Result<impl IntoResponse, Problem> {
    let NewTenantInput { name, plan, owner } = input;
    let owner = NewMember { email: owner.email, name: owner.name, password: owner.password };
    let (tenant, owner) = tenants::create(&ctx, NewTenant { name, plan, owner }).await?;
    let location = format!("/v1/admin/tenants/{}", tenant.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(MadeTenantBody { tenant, owner: owner.into() })))
}
