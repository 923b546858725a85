//! Who may ask the embedded services: programs that know the key of this start. Other users of this machine and web
//! pages reach the ports, too.

use axum::{
    Json,
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::json;
use shared::{crypto::token_hash, secret::Secret};

/// Lets a request through that was signed under the right access key and comes from no web page.
///
/// The access key's id is the secret (256 random bits), so the signature behind it need not be verified: it stays
/// within this machine, where nobody but its owner and root can read along.
pub(super) async fn admit(State(key): State<Secret>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if headers.contains_key(header::ORIGIN) {
        return refusal("AccessDeniedException", "web pages have no business here");
    }
    // Hashes, so that the time that comparing takes tells nothing of the key.
    match access_key(headers) {
        Some(shown) if token_hash(shown) == token_hash(key.expose()) => next.run(request).await,
        _ => refusal("UnrecognizedClientException", "the access key is not that of this start"),
    }
}

/// The id in `AWS4-HMAC-SHA256 Credential=<id>/<date>/<region>/…`.
fn access_key(headers: &HeaderMap) -> Option<&str> {
    let signature = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (_, credential) = signature.strip_prefix("AWS4-HMAC-SHA256 ")?.split_once("Credential=")?;
    credential.split('/').next()
}

fn refusal(code: &str, message: &str) -> Response {
    (StatusCode::FORBIDDEN, Json(json!({"__type": code, "message": message}))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_what_stands_in_front_of_the_date() {
        let of = |text: &str| {
            let headers = HeaderMap::from_iter([(header::AUTHORIZATION, text.parse().unwrap())]);
            access_key(&headers).map(str::to_owned)
        };
        let signed =
            "AWS4-HMAC-SHA256 Credential=local-a_b/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host";
        assert_eq!(of(signed).as_deref(), Some("local-a_b"));
        for text in ["", "Bearer local-a_b", "AWS4-HMAC-SHA256 SignedHeaders=host", "Credential=local-a_b/1"]
        {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
