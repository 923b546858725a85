//! What is around every router: request ids, problem bodies that name them, panics, a log line a request.

use std::any::Any;

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, StatusCode},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
};
use shared::{clock::Clock, clock::SystemClock, domain::ids::RequestId};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use crate::error::Problem;

const HEADER: &str = "x-request-id";

pub(crate) fn around(router: Router) -> Router {
    router.layer(CatchPanicLayer::custom(on_panic)).layer(from_fn(identify))
}

/// Gives the request its id, which the answer carries in a header and, when it is a problem, in its body.
async fn identify(request: Request, next: Next) -> Response {
    let id = given_id(&request).unwrap_or_else(|| RequestId::generate(SystemClock.now()).to_string());
    let span = tracing::info_span!("request", id, method = %request.method(), path = request.uri().path());
    let mut response = next.run(request).instrument(span.clone()).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let original = response.headers().clone();
        response = problem.of_request(&id).into_response();
        for (name, value) in &original {
            response.headers_mut().entry(name).or_insert_with(|| value.clone());
        }
        response.headers_mut().remove(http::header::CONTENT_LENGTH);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    span.in_scope(|| tracing::debug!(status = response.status().as_u16(), "answered"));
    response
}

/// The id that the caller gave, when it is one that can stand in logs.
fn given_id(request: &Request) -> Option<String> {
    let id = request.headers().get(HEADER)?.to_str().ok()?;
    let good =
        (8..=128).contains(&id.len()) && id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:".contains(c));
    good.then(|| id.to_owned())
}

fn on_panic(panic: Box<dyn Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(message, "a handler panicked");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong on our side")
        .into_response()
}
