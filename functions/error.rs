//! Errors as RFC 9457 problem bodies.

use std::time::Duration;

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use shared::services::{Error, ErrorCode, FieldError, Limit};
use utoipa::ToSchema;

/// A problem body. The request's id is filled in on its way out.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "type": "https://kurir.dev/problems/validation", "title": "Validation failed", "status": 422,
    "code": "validation_failed", "detail": "1 field is not valid", "requestId": "req_01KBJ9C0R0Q7V3N8ZJ2M5T4XYA",
    "errors": [{"field": "to", "code": "phone_invalid", "message": "a number has 7 to 15 digits"}]
}))]
pub struct Problem {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    #[serde(serialize_with = "as_number")]
    #[schema(value_type = u16)]
    status: StatusCode,
    #[schema(value_type = ErrorCode)]
    code: &'static str,
    detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Field>,
    #[serde(skip)]
    retry_after: Option<Duration>,
    #[serde(skip)]
    limit: Option<Box<Limit>>,
}

#[derive(Debug, Clone, Serialize, ToSchema)]
struct Field {
    field: String,
    code: String,
    message: String,
}

impl Problem {
    /// A problem with its code and a sentence for people.
    pub fn of(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self::new(code.status(), code.as_str(), detail)
    }

    /// A problem of what stands beside the API or in front of it, with a code of its own.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let (slug, title) = match status {
            StatusCode::BAD_REQUEST => ("bad-request", "Bad request"),
            StatusCode::UNAUTHORIZED => ("unauthenticated", "Not authenticated"),
            StatusCode::FORBIDDEN => ("forbidden", "Not allowed"),
            StatusCode::NOT_FOUND => ("not-found", "Not found"),
            StatusCode::METHOD_NOT_ALLOWED => ("method-not-allowed", "Method not allowed"),
            StatusCode::REQUEST_TIMEOUT => ("timeout", "Timed out"),
            StatusCode::MISDIRECTED_REQUEST => ("misdirected", "Not for this host"),
            StatusCode::CONFLICT => ("conflict", "Conflict"),
            StatusCode::PAYLOAD_TOO_LARGE => ("payload-too-large", "Payload too large"),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ("unsupported-media-type", "Unsupported media type"),
            StatusCode::UNPROCESSABLE_ENTITY => ("validation", "Validation failed"),
            StatusCode::TOO_MANY_REQUESTS => ("rate-limited", "Too many requests"),
            StatusCode::SERVICE_UNAVAILABLE => ("unavailable", "Not available"),
            StatusCode::GATEWAY_TIMEOUT => ("timeout", "Timed out"),
            _ => ("internal", "Internal error"),
        };
        Self {
            kind: format!("https://kurir.dev/problems/{slug}"),
            title,
            status,
            code,
            detail: detail.into(),
            request_id: None,
            errors: Vec::new(),
            retry_after: None,
            limit: None,
        }
    }

    /// Names a field at fault.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        self.errors.push(Field { field: field.into(), code: code.into(), message: message.into() });
        self
    }

    /// One field that is not valid.
    pub fn invalid(field: impl Into<String>, code: &str, message: impl Into<String>) -> Self {
        Self::of(ErrorCode::ValidationFailed, "1 field is not valid").field(field, code, message)
    }

    /// A path that leads nowhere, or to somebody else's: the two look the same.
    pub fn not_found(what: &str) -> Self {
        Self::of(ErrorCode::NotFound, format!("there is no such {what}"))
    }

    /// The same problem, with when it is worth another try.
    #[must_use]
    pub fn retry_after(mut self, pause: Option<Duration>) -> Self {
        self.retry_after = pause;
        self
    }

    /// Its stable code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The limit that is reached, when that is the problem.
    pub(crate) fn limit(&self) -> Option<&Limit> {
        self.limit.as_deref()
    }

    /// The same problem of a known request.
    pub(crate) fn of_request(mut self, id: &str) -> Self {
        self.request_id = Some(id.into());
        self
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        if let Some(cause) = &error.cause {
            tracing::error!(error = cause.as_ref() as &dyn std::error::Error, "a request failed");
        }
        let mut problem = Self::of(error.code, error.detail).retry_after(error.retry_after);
        problem.limit = error.limit;
        for FieldError { field, code, message } in error.fields {
            problem = problem.field(field, &code, message);
        }
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(&self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(pause) = self.retry_after {
            // Rounded up, so that a client that waits so long does not come too early.
            headers.insert(header::RETRY_AFTER, HeaderValue::from(pause.as_millis().div_ceil(1000) as u64));
        }
        // For the middleware that knows the request's id.
        response.extensions_mut().insert(self);
        response
    }
}

fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}
