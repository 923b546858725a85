//! `POST /v1/auth/register`

use axum::{
    Extension, Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use shared::{
    domain::account::Email,
    secret::Secret,
    services::{
        Context, ErrorCode,
        accounts::{self, Registered, Registration},
        audit,
    },
};
use utoipa::ToSchema;

use crate::{
    error::Problem,
    extract::{ClientAddress, JsonBody},
    route::{Access, AuditNote, Route, endpoint},
};

pub fn route() -> Route {
    Route::new(endpoint!(handle), Access::Public).audited("account.register").failing_with(&[
        ErrorCode::RegistrationClosed,
        ErrorCode::RateLimited,
        ErrorCode::Busy,
    ])
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "ani@example.com", "password": "correct horse battery", "name": "Ani"}))]
struct RegisterInput {
    email: String,
    password: Secret,
    name: String,
}

/// What a stranger is told, whether its address had an account or not.
#[derive(Debug, Serialize, ToSchema)]
struct RegisteredBody {
    /// The address to log in with.
    email: Email,
}

/// Registers a stranger, who then logs in. The answer is the same when the address has an account already.
#[utoipa::path(
    post,
    path = "/v1/auth/register",
    operation_id = "register",
    tag = "accounts",
    request_body = RegisterInput,
    responses((status = 202, description = "Accepted: log in.", body = RegisteredBody)),
)]
async fn handle(
    State(ctx): State<Context>,
    ClientAddress(ip): ClientAddress,
    JsonBody(input): JsonBody<RegisterInput>,
) -> Response {
    let target = audit::address(&ctx, &input.email);
    let input = Registration { email: input.email, password: input.password, name: input.name, ip };
    match accounts::register(&ctx, input).await {
        Ok(Registered { email, scope }) => {
            let note = match scope {
                Some(scope) => AuditNote { target: scope.actor.id(), scope: Some(scope), code: None },
                None => AuditNote { target, scope: None, code: Some(ErrorCode::EmailTaken) },
            };
            (StatusCode::ACCEPTED, Extension(note), Json(RegisteredBody { email })).into_response()
        }
        Err(error) => {
            // What is refused for what it is leaves no entry; that there are too many does.
            let note = error.limit.is_some().then_some(AuditNote { target, scope: None, code: None });
            (note.map(Extension), Problem::from(error)).into_response()
        }
    }
}
