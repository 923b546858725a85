//! What is around every router: who may call at all, request ids, problem bodies that name them, panics,
//! headers for browsers.

use std::{
    any::Any,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    http::{HeaderName, HeaderValue, Method, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use lambda_http::request::RequestContext;
use shared::{
    clock::{Clock, SystemClock},
    config::HttpPolicy,
    domain::ids::RequestId,
    services::ErrorCode,
};
use tower_http::{catch_panic::CatchPanicLayer, cors::CorsLayer};
use tracing::Instrument;

use crate::{error::Problem, surface::Surface};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Where a request comes from, behind trusted proxies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClientIp(pub Option<IpAddr>);

/// The id of a request.
#[derive(Debug, Clone)]
pub(crate) struct RequestName(pub String);

pub(crate) fn around(router: Router, policy: Arc<HttpPolicy>) -> Router {
    let cors = cors(&policy);
    router.layer(CatchPanicLayer::custom(on_panic)).layer(from_fn_with_state(policy, identify)).layer(cors)
}

/// Pages of the allowed sites may call; none when there are none.
fn cors(policy: &HttpPolicy) -> CorsLayer {
    let origins: Vec<HeaderValue> =
        policy.cors_origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    if origins.is_empty() {
        return CorsLayer::new();
    }
    let name = HeaderName::from_static;
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::PUT, Method::DELETE])
        .allow_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            name("x-api-key"),
            name("idempotency-key"),
            name("kurir-tenant"),
            name("prefer"),
            name("last-event-id"),
            REQUEST_ID,
        ])
        .expose_headers([
            header::LOCATION,
            header::RETRY_AFTER,
            name("ratelimit"),
            name("ratelimit-policy"),
            REQUEST_ID,
        ])
        .max_age(Duration::from_secs(3600))
}

/// Gives the request its id, which the answer carries in a header and, when it is a problem, in its body.
async fn identify(State(policy): State<Arc<HttpPolicy>>, mut request: Request, next: Next) -> Response {
    let id = given_id(&request).unwrap_or_else(|| RequestId::generate(SystemClock.now()).to_string());
    let ip = client_ip(&policy, &request);
    let surface = Surface::of(request.uri().path());
    request.extensions_mut().insert(ClientIp(ip));
    request.extensions_mut().insert(RequestName(id.clone()));
    let span = tracing::info_span!("request", id, method = %request.method(), path = request.uri().path());
    let mut response = if policy.admits(ip) {
        next.run(request).instrument(span.clone()).await
    } else {
        Problem::of(ErrorCode::AddressForbidden, "requests from this address are not taken").into_response()
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let original = response.headers().clone();
        response = (surface.render)(problem.of_request(&id));
        for (name, value) in &original {
            response.headers_mut().entry(name).or_insert_with(|| value.clone());
        }
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=63072000"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    span.in_scope(|| tracing::debug!(status = response.status().as_u16(), "answered"));
    response
}

/// The caller's address: API Gateway's word for it, or the socket's, behind trusted proxies.
fn client_ip(policy: &HttpPolicy, request: &Request) -> Option<IpAddr> {
    let peer = match request.extensions().get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(context)) => {
            context.http.source_ip.as_deref().and_then(|ip| ip.parse().ok())
        }
        _ => request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip()),
    };
    // A proxy may add a line of its own in place of its word at the end of the client's.
    let lines = request.headers().get_all("x-forwarded-for").iter();
    let forwarded: Vec<&str> = lines.map(|line| line.to_str().unwrap_or("unreadable")).collect();
    policy.caller(peer, &forwarded.join(","))
}

/// The id that the caller gave, when it is one that can stand in logs.
fn given_id(request: &Request) -> Option<String> {
    let id = request.headers().get(REQUEST_ID)?.to_str().ok()?;
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
    Problem::of(ErrorCode::Internal, "something went wrong on our side").into_response()
}
