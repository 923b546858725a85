//! Which web pages may talk to the gateway, and under which names. A browser lets any page send requests to this
//! machine, and a page whose name was made to lead here (DNS rebinding) read the answers as well.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, Uri, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use functions::error::Problem;

/// Who is let in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Visitors {
    /// Names of this gateway, beside addresses and `localhost`.
    hosts: Vec<String>,
    /// Origins whose pages may send requests, beside the gateway's own.
    origins: Vec<String>,
}

impl Visitors {
    pub fn new(hosts: &[String], origins: &[String]) -> Self {
        let lower = |names: &[String]| names.iter().map(|name| name.to_ascii_lowercase()).collect();
        Self { hosts: lower(hosts), origins: lower(origins) }
    }

    /// Why a request is turned away, when it is.
    fn refusal(&self, headers: &HeaderMap, uri: &Uri) -> Option<Problem> {
        let host = match (uri.authority(), headers.get(header::HOST)) {
            (Some(authority), _) => Some(authority.clone()),
            (None, Some(host)) => host.to_str().ok().and_then(|host| host.parse().ok()),
            (None, None) => None,
        };
        let Some(host) = host.filter(|host| self.is_ours(host)) else {
            let detail =
                "the gateway is not known under the name in `Host`: KURIR_ALLOWED_HOSTS has its names";
            return Some(Problem::new(StatusCode::MISDIRECTED_REQUEST, "host_unknown", detail));
        };
        let mut origins = headers.get_all(header::ORIGIN).iter();
        if origins.all(|origin| origin.to_str().is_ok_and(|origin| self.may_ask(origin, &host))) {
            return None;
        }
        let detail = "pages of this origin may not use the gateway: KURIR_CORS_ORIGINS has those that may";
        Some(Problem::new(StatusCode::FORBIDDEN, "origin_forbidden", detail))
    }

    /// An address is nobody's name, so that no page can have it but the gateway's own.
    fn is_ours(&self, host: &Authority) -> bool {
        let name = host.host().to_ascii_lowercase();
        let address = name.trim_start_matches('[').trim_end_matches(']');
        name == "localhost" || address.parse::<std::net::IpAddr>().is_ok() || self.hosts.contains(&name)
    }

    /// Pages of the gateway itself may, also behind a proxy that shows it under another name.
    fn may_ask(&self, origin: &str, host: &Authority) -> bool {
        let origin = origin.to_ascii_lowercase();
        if self.origins.contains(&origin) {
            return true;
        }
        let own = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        own.and_then(|own| own.parse::<Authority>().ok()).is_some_and(|own| {
            own.as_str().eq_ignore_ascii_case(host.as_str())
                || self.hosts.iter().any(|name| name == own.host())
        })
    }
}

/// Turns others away before anything is done for them.
pub(crate) async fn check(State(visitors): State<Arc<Visitors>>, request: Request, next: Next) -> Response {
    match visitors.refusal(request.headers(), request.uri()) {
        None => next.run(request).await,
        Some(problem) => problem.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn outcome(visitors: &Visitors, headers: &[(HeaderName, &str)]) -> &'static str {
        let headers = headers.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        visitors.refusal(&headers, &"/v1/me".parse().unwrap()).map_or("in", |problem| problem.code())
    }

    #[test]
    fn addresses_localhost_and_given_names_are_hosts_and_nothing_else_is() {
        let visitors = Visitors::new(&["Kurir.example.com".into()], &[]);
        for host in [
            "127.0.0.1:8080",
            "localhost:8080",
            "LOCALHOST",
            "[::1]:8080",
            "192.168.1.5",
            "kurir.EXAMPLE.com",
        ] {
            assert_eq!(outcome(&visitors, &[(header::HOST, host)]), "in", "{host}");
        }
        for host in ["evil.example", "localhost.evil.example:8080", "127.0.0.1.evil.example", "", "a b"] {
            assert_eq!(outcome(&visitors, &[(header::HOST, host)]), "host_unknown", "{host}");
        }
        assert_eq!(outcome(&visitors, &[]), "host_unknown");
        let absolute = visitors.refusal(&HeaderMap::new(), &"http://evil.example/v1/me".parse().unwrap());
        assert!(absolute.is_some());
    }

    #[test]
    fn origins_are_its_own_and_those_that_are_given() {
        let visitors = Visitors::new(&["kurir.example.com".into()], &["https://app.example.com".into()]);
        let from =
            |origin: &str| outcome(&visitors, &[(header::HOST, "127.0.0.1:8080"), (header::ORIGIN, origin)]);
        for origin in ["http://127.0.0.1:8080", "https://app.example.com", "https://kurir.example.com"] {
            assert_eq!(from(origin), "in", "{origin}");
        }
        let strangers = [
            "http://evil.example",
            "null",
            "http://127.0.0.1:3000",
            "http://app.example.com",
            "https://127.0.0.1",
        ];
        for origin in strangers {
            assert_eq!(from(origin), "origin_forbidden", "{origin}");
        }
        let both =
            [(header::HOST, "127.0.0.1"), (header::ORIGIN, "http://127.0.0.1"), (header::ORIGIN, "null")];
        let mut headers = HeaderMap::new();
        both.into_iter().for_each(|(name, value)| _ = headers.append(name, value.parse().unwrap()));
        assert!(visitors.refusal(&headers, &"/".parse().unwrap()).is_some());
    }
}
