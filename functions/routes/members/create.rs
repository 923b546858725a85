//! `POST /v1/members`

use axum::{
    Json,
    extract::State,
    http::{Method, StatusCode},
    response::IntoResponse,
};
use http::header::LOCATION;
use serde::Deserialize;
use shared::{
    domain::{permissions::Permission, role::Role},
    secret::Secret,
    services::{Context, accounts::NewMember, members},
};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::MemberBody;
use crate::{
    error::Problem,
    extract::{CallerOf, ClientAddress, JsonBody},
    route::{Access, Route},
};

pub fn route() -> Route {
    Route::new(Method::POST, "/v1/members", Access::Needs(Permission::ManageMembers), handle)
        .audited("member.create")
        .documented(|| routes!(handle))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
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
