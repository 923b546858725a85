//! `POST /v1/auth/accept-invitation`

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use shared::{
    secret::Secret,
    services::{
        Context, ErrorCode,
        accounts::{self, Acceptance},
    },
};
use utoipa::ToSchema;

use super::SessionBody;
use crate::{
    error::Problem,
    extract::{ClientAddress, JsonBody},
    route::{Access, AuditNote, Route, endpoint},
};

/// Public: the token of the invitation is the proof.
pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Public).audited("member.accept").failing_with(&[
        ErrorCode::EmailTaken,
        ErrorCode::Busy,
        ErrorCode::Unauthenticated,
    ])
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"inviteToken": "kri_…", "name": "Budi", "password": "correct horse battery"}))]
struct AcceptInvitationInput {
    invite_token: Secret,
    name: String,
    password: Secret,
}

/// Accepts an invitation, once, with a password of one's own, and logs in.
#[utoipa::path(
    post,
    path = "/v1/auth/accept-invitation",
    operation_id = "acceptInvitation",
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
            let is_told = error.code == ErrorCode::EmailTaken || error.limit.is_some();
            (is_told.then(|| Extension(AuditNote::default())), Problem::from(error)).into_response()
        }
    }
}
