//! `POST /v1/auth/logout`

use axum::{Extension, extract::State, http::StatusCode, response::IntoResponse};
use serde::Deserialize;
use shared::{
    secret::Secret,
    services::{Context, accounts},
};
use utoipa::ToSchema;

use crate::{
    error::Problem,
    extract::JsonBody,
    route::{Access, AuditNote, Route, endpoint},
};

/// Public: the refresh token itself is the proof.
pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Public).audited("auth.logout")
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schema(example = json!({"refreshToken": "krt_…"}))]
struct LogoutInput {
    refresh_token: Secret,
}

/// Ends a refresh token and all of its family, and the access tokens that came with it.
#[utoipa::path(
    post,
    path = "/v1/auth/logout",
    operation_id = "logOut",
    tag = "accounts",
    request_body = LogoutInput,
    responses((status = 204, description = "Ended, or ended before.")),
)]
async fn handle(
    State(ctx): State<Context>,
    JsonBody(input): JsonBody<LogoutInput>,
) -> Result<impl IntoResponse, Problem> {
    let ended = accounts::log_out(&ctx, &input.refresh_token).await?;
    // What was no token, or none any more, leaves no entry.
    let note = ended.map(|scope| {
        let target = scope.actor.id();
        Extension(AuditNote { scope: Some(scope), target, code: None })
    });
    Ok((StatusCode::NO_CONTENT, note, ()))
}
