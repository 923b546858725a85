//! `POST /v1/admin/tenants`

use axum::{
    Json,
    extract::State,
    http::{Method, StatusCode},
    response::IntoResponse,
};
use http::header::LOCATION;
use serde::{Deserialize, Serialize};
use shared::{
    domain::{permissions::Permission, tenant::Tenant},
    secret::Secret,
    services::{
        Context,
        accounts::NewMember,
        tenants::{self, NewTenant},
    },
};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::super::super::members::MemberBody;
use crate::{
    error::Problem,
    extract::JsonBody,
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::POST, "/v1/admin/tenants", Access::Needs(Permission::ManageTenants), handle)
        .audited("tenant.create")
        .documented(|| routes!(handle))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
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
