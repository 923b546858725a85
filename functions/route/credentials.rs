//! What a request shows of itself.

use axum::{
    extract::Query,
    http::{HeaderMap, Uri, header},
};
use serde::Deserialize;
use shared::{domain::api_key, secret::Secret, services::Credentials};

/// What a request shows of itself. The older gateways' paths, which are all those outside `/v1`, also take an
/// API key as `?api_key=`; the native API does not, since addresses end up in logs.
pub(super) fn credentials(headers: &HeaderMap, uri: &Uri) -> Option<Credentials> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    if let Some(key) = text("x-api-key") {
        return Some(Credentials::ApiKey(Secret::new(key)));
    }
    if let Some((scheme, token)) =
        text(header::AUTHORIZATION.as_str()).and_then(|value| value.split_once(' '))
    {
        let bearer = scheme.eq_ignore_ascii_case("bearer");
        return bearer.then(|| Credentials::AccessToken(Secret::new(token.trim())));
    }
    if uri.path().starts_with("/v1/") {
        return None;
    }
    let Query(ApiKeyQuery { api_key }) = Query::try_from_uri(uri).ok()?;
    api_key.map(Credentials::ApiKey)
}

/// An access token or an API key in the address.
pub(super) fn token_of(uri: &Uri) -> Option<Credentials> {
    #[derive(Deserialize)]
    struct TokenQuery {
        token: Option<Secret>,
    }
    let Query(TokenQuery { token }) = Query::try_from_uri(uri).ok()?;
    token.map(|token| match token.expose().starts_with(api_key::PREFIX) {
        true => Credentials::ApiKey(token),
        false => Credentials::AccessToken(token),
    })
}

#[derive(Deserialize)]
struct ApiKeyQuery {
    api_key: Option<Secret>,
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn key_of(uri: &str) -> Option<String> {
        match credentials(&HeaderMap::new(), &uri.parse().unwrap()) {
            Some(Credentials::ApiKey(key)) => Some(key.expose().to_owned()),
            _ => None,
        }
    }

    #[test]
    fn a_key_in_the_address_is_taken_on_the_older_gateways_paths_only() {
        assert_eq!(key_of("/api/send?api_key=kur_a%2Db&x=1").as_deref(), Some("kur_a-b"));
        assert_eq!(key_of("/api/send?x=1"), None);
        assert_eq!(key_of("/v1/me?api_key=kur_ab"), None);
    }

    #[test]
    fn a_token_in_the_address_is_an_access_token_or_a_key() {
        let of = |uri: &str| token_of(&uri.parse().unwrap());
        assert!(
            matches!(of("/v1/events?token=kur_a"), Some(Credentials::ApiKey(key)) if key.expose() == "kur_a")
        );
        assert!(matches!(of("/v1/events?types=x&token=ey.a"), Some(Credentials::AccessToken(_))));
        assert!(of("/v1/events?types=x").is_none());
    }

    #[test]
    fn a_header_goes_before_the_address_and_other_schemes_are_none() {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("Basic abc"));
        assert!(credentials(&headers, &"/api?api_key=kur_x".parse().unwrap()).is_none());
        headers.insert(header::AUTHORIZATION, HeaderValue::from_static("bearer  abc "));
        let found = credentials(&headers, &"/v1/me".parse().unwrap());
        assert!(matches!(found, Some(Credentials::AccessToken(token)) if token.expose() == "abc"));
    }
}
