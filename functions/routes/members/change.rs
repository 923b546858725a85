//! `PATCH /v1/members/{id}`

use axum::{Json, extract::State};
use serde::Deserialize;
use shared::{
    domain::{account::Account, ids::AccountId, permissions::Permission, role::Role},
    services::{
        Context, ErrorCode,
        members::{self, MemberChange},
    },
};
use utoipa::ToSchema;

use crate::{
    error::Problem,
    extract::{CallerOf, JsonBody, PathIds},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageMembers))
        .audited("member.change")
        .failing_with(&[ErrorCode::LastOwner, ErrorCode::LastAdmin, ErrorCode::ChangedMeanwhile])
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "operator"}))]
struct ChangeMemberInput {
    name: Option<String>,
    role: Option<Role>,
    active: Option<bool>,
}

/// Changes a member's name, role or activity. Less trust holds at once.
#[utoipa::path(
    patch,
    path = "/v1/members/{id}",
    operation_id = "changeMember",
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
