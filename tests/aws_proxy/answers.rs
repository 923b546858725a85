//! What the services say when they do not do what they are asked to.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use futures::stream;
use serde_json::{Value, json};

use super::misbehaviour::Refusal;

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

/// DynamoDB, when it does not do what it is asked to.
pub(super) fn refused(how: Refusal) -> Response {
    let of = |kind: &str, message: &str| {
        json(StatusCode::BAD_REQUEST, &json!({"__type": kind, "message": message}))
    };
    match how {
        Refusal::ExpiredToken => of(
            "com.amazon.coral.service#ExpiredTokenException",
            "The security token included in the request is expired",
        ),
        Refusal::AccessDenied => of(
            "com.amazon.coral.service#AccessDeniedException",
            "User: arn:aws:sts::1:role is not authorized to perform this",
        ),
        Refusal::NoTable => {
            of("com.amazonaws.dynamodb.v20120810#ResourceNotFoundException", "Requested resource not found")
        }
        Refusal::BadCredentials => of(
            "com.amazon.coral.service#UnrecognizedClientException",
            "The security token included in the request is invalid.",
        ),
        Refusal::Throttling => of(
            "com.amazon.coral.availability#ThrottlingException",
            "Rate of requests exceeds the allowed throughput.",
        ),
        Refusal::TooLarge => of(
            "com.amazon.coral.validate#ValidationException",
            "Item size has exceeded the maximum allowed size",
        ),
        Refusal::Throughput => throttled(),
        Refusal::Internal => internal(),
        Refusal::Reset => broken(),
        Refusal::Page => {
            let mut page = Response::new(super::body_of("<html><body>503 Service Unavailable</body></html>"));
            *page.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            page.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
            page
        }
    }
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
