//! `POST /v1/auth/accept-invitation`

use axum::{
    Extension, Json,
    extract::State,
    http::Method,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use shared::{
    secret::Secret,
    services::{
        Context,
        accounts::{self, Acceptance},
    },
};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::SessionBody;
use crate::{
    error::Problem,
    extract::{ClientAddress, JsonBody},
    route::{Access, AuditNote, Route},
};

/// Public: the token of the invitation is the proof.
pub fn route() -> Route {
    Route::new(Method::POST, "/v1/auth/accept-invitation", Access::Public, handle)
        .audited("member.accept")
        .documented(|| routes!(handle))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AcceptInvitationInput {
    invite_token: Secret,
    name: String,
    password: Secret,
}

/// Accepts an invitation, once, with a password of one's own, and logs in.
#[utoipa::path(
    post,
    path = "/v1/auth/accept-invitation",
    tag = "accounts",
    request_body = AcceptInvitationInput,
    responses((status = 200, description = "Accepted and logged in.", body = SessionBody)),
)]
async fn handle(
    State(ctx): State<Context>,
    ClientAddress(ip): ClientAddress,
    JsonBody(input): JsonBody<AcceptInvitationInput>,
) -> Response {
    let AcceptInvitationInput { invite_token, name, password } = input;
    match accounts::accept_invitation(&ctx, Acceptance { invite_token, name, password, ip }).await {
        Ok(session) => {
            let target = Some(session.account.id.to_string());
            let note = AuditNote { scope: Some(session.scope.clone()), target, code: None };
            (Extension(note), Json(SessionBody::from(session))).into_response()
        }
        Err(error) => {
            // What is no invitation leaves no entry; that an address is taken, or that there are too many, does.
            let is_told = error.code == "email_taken" || error.limit.is_some();
            (is_told.then(|| Extension(AuditNote::default())), Problem::from(error)).into_response()
        }
    }
}
