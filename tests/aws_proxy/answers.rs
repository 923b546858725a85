//! What the services say when they do not do what they are asked to.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use futures::stream;
use serde_json::{Value, json};

/// What the service behind said.
pub(super) fn passed(status: StatusCode, headers: HeaderMap, body: Bytes) -> Response {
    let mut response = Response::new(super::body_of(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// A body of AWS's JSON protocol.
pub(super) fn json(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(super::body_of(body.to_string()));
    *response.status_mut() = status;
    let kind = "application/x-amz-json-1.0".parse().expect("a header value");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// DynamoDB, when a table or a partition of it gets more than it can take.
pub(super) fn throttled() -> Response {
    let kind = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException";
    let message = "The level of configured provisioned throughput for the table was exceeded.";
    json(StatusCode::BAD_REQUEST, &json!({"__type": kind, "message": message}))
}

/// DynamoDB, when it has a bad moment.
pub(super) fn internal() -> Response {
    let kind = "com.amazonaws.dynamodb.v20120810#InternalServerError";
    json(StatusCode::INTERNAL_SERVER_ERROR, &json!({"__type": kind, "message": "Internal server error"}))
}

/// SQS's front door without SQS behind it.
pub(super) fn away() -> Response {
    let kind = "com.amazonaws.sqs#ServiceUnavailable";
    json(StatusCode::SERVICE_UNAVAILABLE, &json!({"__type": kind, "message": "Service Unavailable"}))
}

/// An answer that breaks off: the connection is gone.
pub(super) fn broken() -> Response {
    let gone = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
    Response::new(Body::from_stream(stream::once(async { Err::<Bytes, _>(gone) })))
}
