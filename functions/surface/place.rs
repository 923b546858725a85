//! Places where a request may show its credentials.

use std::fmt;

use axum::{
    extract::Query,
    http::{HeaderMap, Uri, header},
};
use shared::{domain::api_key, secret::Secret, services::Credentials};

/// A place where a request may show its credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// An API key as `X-API-Key`.
    ApiKeyHeader,
    /// An access token as `Authorization: Bearer`.
    BearerHeader,
    /// An access token or an API key as this parameter of the address. Addresses end up in logs.
    Query(&'static str),
}

impl Place {
    /// The credentials that a request has there.
    pub(super) fn read(self, headers: &HeaderMap, uri: &Uri) -> Option<Credentials> {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        match self {
            Self::ApiKeyHeader => text("x-api-key").map(|key| Credentials::ApiKey(Secret::new(key))),
            Self::BearerHeader => {
                let (scheme, token) = text(header::AUTHORIZATION.as_str())?.split_once(' ')?;
                let is_bearer = scheme.eq_ignore_ascii_case("bearer");
                is_bearer.then(|| Credentials::AccessToken(Secret::new(token.trim())))
            }
            Self::Query(name) => {
                let Query(parameters) = Query::<Vec<(String, Secret)>>::try_from_uri(uri).ok()?;
                let (_, shown) = parameters.into_iter().find(|(given, _)| given == name)?;
                Some(match shown.expose().starts_with(api_key::PREFIX) {
                    true => Credentials::ApiKey(shown),
                    false => Credentials::AccessToken(shown),
                })
            }
        }
    }
}

/// How a caller is told of it.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ApiKeyHeader => f.write_str("`X-API-Key: <key>`"),
            Self::BearerHeader => f.write_str("`Authorization: Bearer <access token>`"),
            Self::Query(name) => write!(f, "`?{name}=<access token or key>`"),
        }
    }
}
