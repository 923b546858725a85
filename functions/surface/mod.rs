//! The APIs that the gateway speaks. Each has paths of its own, takes credentials in its own places, and tells of
//! problems in its own form. The native API is the first.

mod place;

pub use place::Place;

use axum::{
    http::{HeaderMap, Uri},
    response::{IntoResponse, Response},
};
use shared::services::Credentials;

use crate::error::Problem;

/// One of the APIs that the gateway speaks.
#[derive(Debug)]
pub struct Surface {
    /// What its paths begin with.
    pub prefix: &'static str,
    /// Where a request may show its credentials. The first place with some counts.
    pub places: &'static [Place],
    /// How it tells of a problem.
    pub render: fn(Problem) -> Response,
}

/// The native API.
pub static V1: Surface = Surface {
    prefix: "/v1/",
    places: &[Place::ApiKeyHeader, Place::BearerHeader],
    render: IntoResponse::into_response,
};

/// All of them. What belongs to none is answered as by the first.
static SURFACES: [&Surface; 1] = [&V1];

impl Surface {
    /// The surface that a path belongs to.
    pub fn of(path: &str) -> &'static Self {
        SURFACES.into_iter().find(|surface| surface.has(path)).unwrap_or(SURFACES[0])
    }

    /// Whether a path is one of its own.
    pub fn has(&self, path: &str) -> bool {
        path.starts_with(self.prefix)
    }
}

/// What a request shows of itself in the first of these places where there is something.
pub(crate) fn shown(
    places: impl IntoIterator<Item = Place>,
    headers: &HeaderMap,
    uri: &Uri,
) -> Option<Credentials> {
    places.into_iter().find_map(|place| place.read(headers, uri))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    /// What is shown in these places with a header `Authorization`, as one text.
    fn told(places: &[Place], authorization: Option<&'static str>, uri: &str) -> Option<String> {
        let headers =
            authorization.map(|value| ("authorization".parse().unwrap(), HeaderValue::from_static(value)));
        match shown(places.iter().copied(), &headers.into_iter().collect(), &uri.parse().unwrap())? {
            Credentials::ApiKey(key) => Some(format!("key {}", key.expose())),
            Credentials::AccessToken(token) => Some(format!("token {}", token.expose())),
        }
    }

    #[test]
    fn the_native_api_takes_nothing_from_the_address() {
        assert_eq!(
            told(V1.places, Some("bearer  abc "), "/v1/me?api_key=kur_x").as_deref(),
            Some("token abc")
        );
        assert_eq!(told(V1.places, None, "/v1/me?api_key=kur_x&token=kur_x"), None);
        assert_eq!(told(V1.places, Some("Basic abc"), "/v1/me"), None);
    }

    #[test]
    fn an_address_shows_an_access_token_or_a_key_and_headers_go_before_it() {
        let places = [Place::BearerHeader, Place::Query("token")];
        assert_eq!(told(&places, None, "/v1/events?types=x&token=kur_a%2Db").as_deref(), Some("key kur_a-b"));
        assert_eq!(told(&places, None, "/v1/events?token=ey.a").as_deref(), Some("token ey.a"));
        assert_eq!(told(&places, None, "/v1/events?types=x"), None);
        assert_eq!(told(&places, Some("Bearer abc"), "/v1/events?token=kur_a").as_deref(), Some("token abc"));
    }

    #[test]
    fn what_belongs_to_no_surface_is_the_native_apis() {
        assert!(V1.has("/v1/me") && !V1.has("/docs"));
        assert_eq!(Surface::of("/docs").prefix, V1.prefix);
    }
}
