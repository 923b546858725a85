//! JSON bodies.

use axum::{
    body::Body,
    extract::{FromRequest, Request},
};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Error as PathError;
use shared::services::ErrorCode;

use super::words::in_words;
use crate::error::Problem;

/// The largest body that a JSON route takes, in bytes.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;

/// How much of a body that is too large is still read, so that a client that writes first and reads then
/// gets its answer.
const MAX_DRAIN_BYTES: usize = 64 * 1024 * 1024;

/// A body of JSON in the form of `T`.
#[derive(Debug, Clone)]
pub struct JsonBody<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let bytes = read(request.into_body()).await?;
        let value: Value = serde_json::from_slice(&bytes)
            .map_err(|error| Problem::of(ErrorCode::BadJson, format!("the body is not JSON: {error}")))?;
        serde_path_to_error::deserialize(value).map(Self).map_err(wrong_form)
    }
}

/// The same, or what `T` is by itself when there is no body.
#[derive(Debug, Clone)]
pub struct OptionalJsonBody<T>(pub T);

impl<S: Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalJsonBody<T> {
    type Rejection = Problem;
    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = read(request.into_body()).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        let JsonBody(body) = JsonBody::from_request(Request::new(Body::from(bytes)), state).await?;
        Ok(Self(body))
    }
}

async fn read(mut body: Body) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let mut seen = 0;
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|_| Problem::of(ErrorCode::BadJson, "the body ended before it was complete"))?;
        if let Ok(data) = frame.into_data() {
            seen += data.len();
            if seen <= MAX_BODY_BYTES {
                bytes.extend_from_slice(&data);
            } else if seen > MAX_DRAIN_BYTES {
                break;
            }
        }
    }
    if seen > MAX_BODY_BYTES {
        let detail = format!("a body has at most {MAX_BODY_BYTES} bytes");
        return Err(Problem::of(ErrorCode::PayloadTooLarge, detail));
    }
    Ok(bytes)
}

/// Names the field that serde stumbled over: its path, or the name in serde's own words when the field is
/// missing or unknown.
fn wrong_form(error: PathError<serde_json::Error>) -> Problem {
    let path = error.path().to_string();
    let message = error.into_inner().to_string();
    let quoted = message.split('`').nth(1).unwrap_or_default().to_owned();
    let at = |name: &str| match path.as_str() {
        "." | "" => name.to_owned(),
        _ if path.ends_with(name) => path.clone(),
        _ => format!("{path}.{name}"),
    };
    if message.starts_with("missing field") {
        Problem::invalid(at(&quoted), "missing", "this field is needed")
    } else if message.starts_with("unknown field") {
        Problem::invalid(at(&quoted), "unknown_field", in_words(&message))
    } else {
        let field = if path == "." { "body".to_owned() } else { path };
        Problem::invalid(field, "wrong_type", in_words(&message))
    }
}
