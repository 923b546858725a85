//! `POST /v1/members`

use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use http::header::LOCATION;
use serde::Deserialize;
use shared::{
    domain::{permissions::Permission, role::Role},
    secret::Secret,
    services::{Context, ErrorCode, accounts::NewMember, members},
};
use utoipa::ToSchema;

use super::MemberBody;
use crate::{
    error::Problem,
    extract::{CallerOf, ClientAddress, JsonBody},
    route::{Access, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Needs(Permission::ManageMembers))
        .audited("member.create")
        .failing_with(&[ErrorCode::EmailTaken, ErrorCode::AlreadyMember, ErrorCode::Busy])
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "budi@example.com", "name": "Budi", "role": "operator"}))]
struct NewMemberInput {
    email: String,
    name: String,
    /// `user` when not given; no more than one's own.
    role: Option<Role>,
    /// Without one the person is invited.
    password: Option<Secret>,
}

/// Adds a member: with a password, or by an invitation, whose token is in this answer and nowhere else.
#[utoipa::path(
    post,
    path = "/v1/members",
    operation_id = "createMember",
    tag = "tenants",
    request_body = NewMemberInput,
    responses((status = 201, description = "Added.", body = MemberBody, headers(("Location" = String, description = "Where it is")))),
)]
async fn handle(
    State(ctx): State<Context>,
    CallerOf(caller): CallerOf,
    ClientAddress(ip): ClientAddress,
    JsonBody(input): JsonBody<NewMemberInput>,
) -> Result<impl IntoResponse, Problem> {
    let NewMemberInput { email, name, role, password } = input;
    let made = members::create(&ctx, &caller, NewMember { email, name, password }, role, ip).await?;
    let location = format!("/v1/members/{}", made.account.id);
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(MemberBody::from(made))))
}
