//! Security schemes: how the description tells of the places where credentials may stand.

use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};

use crate::{
    route::{Access, Rule},
    surface::Place,
};

/// What a route asks for: one of several schemes, or nothing.
pub(super) fn requirements(rule: Rule) -> Vec<SecurityRequirement> {
    match rule.access {
        Access::Public => Vec::new(),
        Access::Needs(_) => rule
            .places()
            .map(|place| SecurityRequirement::new(scheme(place).0, Vec::<String>::new()))
            .collect(),
    }
}

/// A scheme and its name.
pub(super) fn scheme(place: Place) -> (String, SecurityScheme) {
    match place {
        Place::ApiKeyHeader => {
            ("apiKey".into(), SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-API-Key"))))
        }
        Place::BearerHeader => {
            ("accessToken".into(), SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)))
        }
        Place::Query(name) => {
            let about = "An access token or an API key, for clients that cannot send headers. Such addresses must not be \
                         shown to anybody.";
            let value = ApiKeyValue::with_description(name, about);
            (format!("{name}InAddress"), SecurityScheme::ApiKey(ApiKey::Query(value)))
        }
    }
}
