//! `PATCH /v1/members/{id}`

use axum::{Json, extract::State, http::Method};
use serde::Deserialize;
use shared::{
    domain::{account::Account, ids::AccountId, permissions::Permission, role::Role},
    services::{
        Context,
        members::{self, MemberChange},
    },
};
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::{
    error::Problem,
    extract::{CallerOf, JsonBody, PathIds},
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::PATCH, "/v1/members/{id}", Access::Needs(Permission::ManageMembers), handle)
        .audited("member.change")
        .documented(|| routes!(handle))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeMemberInput {
    name: Option<String>,
    role: Option<Role>,
    active: Option<bool>,
}

/// Changes a member's name, role or activity. Less trust holds at once.
#[utoipa::path(
    patch,
    path = "/v1/members/{id}",
    tag = "tenants",
    params(("id" = AccountId, Path)),
    request_body = ChangeMemberInput,
    responses((status = 200, description = "The member as it is now.", body = Account)),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    PathIds(id): PathIds<AccountId>,
    JsonBody(input): JsonBody<ChangeMemberInput>,
) -> Result<Json<Account>, Problem> {
    let ChangeMemberInput { name, role, active } = input;
    Ok(Json(members::change(&ctx, &caller, id, MemberChange { name, role, active }).await?))
}
