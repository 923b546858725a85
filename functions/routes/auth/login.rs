//! `POST /v1/auth/login`

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
        accounts::{self, Login},
        audit,
    },
};
use utoipa::ToSchema;

use super::SessionBody;
use crate::{
    error::Problem,
    extract::{ClientAddress, JsonBody},
    route::{Access, AuditNote, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Public).audited("auth.login").failing_with(&[
        ErrorCode::Unauthenticated,
        ErrorCode::RateLimited,
        ErrorCode::Busy,
    ])
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "ani@example.com", "password": "correct horse battery"}))]
struct LoginInput {
    email: String,
    password: Secret,
}

/// Logs in with e-mail address and password.
#[utoipa::path(
    post,
    path = "/v1/auth/login",
    operation_id = "logIn",
    tag = "accounts",
    request_body = LoginInput,
    responses((status = 200, description = "Logged in.", body = SessionBody)),
)]
async fn handle(
    State(ctx): State<Context>,
    ClientAddress(ip): ClientAddress,
    JsonBody(input): JsonBody<LoginInput>,
) -> Response {
    let target = audit::address(&ctx, &input.email);
    let login = Login { email: input.email, password: input.password, ip };
    let session = match accounts::log_in(&ctx, login).await {
        Ok(session) => session,
        Err(error) => {
            // That there were too many at once says nothing of who tried.
            let is_tried = !error.passes();
            let note = is_tried.then_some(AuditNote { scope: None, target, code: None });
            return (note.map(Extension), Problem::from(error)).into_response();
        }
    };
    let note = AuditNote { scope: Some(session.scope.clone()), target, code: None };
    (Extension(note), Json(SessionBody::from(session))).into_response()
}
