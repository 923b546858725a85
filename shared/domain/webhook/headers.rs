//! Headers of a webhook's owner: how many, how long, and which are not theirs to set.

/// How many.
pub const MAX_HEADERS: usize = 20;

/// How long a name may be.
const MAX_NAME: usize = 64;

/// How long a value may be.
const MAX_VALUE: usize = 1_024;

/// How long all of them together may be.
const MAX_TOTAL: usize = 4_096;

/// What Kurir sets itself, what belongs to the connection, and what would make another request of it.
const RESERVED: [&str; 24] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "origin",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-real-ip",
    "set-cookie",
];

/// Families of the same.
const RESERVED_PREFIXES: [&str; 7] =
    ["webhook-", "x-hub-", "x-forwarded-", "x-kurir-", "sec-", "svix-", "x-amz-"];

/// What is wrong with a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderFault {
    /// Its name; empty when it is about all of them.
    pub name: String,
    /// A stable word for programs.
    pub code: &'static str,
    /// A sentence for people.
    pub message: &'static str,
}

/// Everything that is wrong with a set of headers. Names are compared without case.
pub fn check_headers<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<HeaderFault> {
    let mut faults = Vec::new();
    let mut fault = |name: &str, code, message| {
        faults.push(HeaderFault { name: name.to_owned(), code, message });
    };
    let (mut seen, mut total) = (Vec::new(), 0);
    for (name, value) in headers {
        let lower = name.to_ascii_lowercase();
        total += name.len() + value.len();
        if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(is_token) {
            fault(name, "header_name_invalid", "a name has 1 to 64 letters, digits or -_.!#$%&'*+^`|~");
        } else if RESERVED.contains(&lower.as_str())
            || RESERVED_PREFIXES.iter().any(|prefix| lower.starts_with(prefix))
        {
            fault(name, "header_reserved", "this header is Kurir's, or the connection's, to set");
        } else if seen.contains(&lower) {
            fault(name, "header_twice", "the same header is given twice");
        }
        if value.len() > MAX_VALUE || !value.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            fault(name, "header_value_invalid", "a value has at most 1024 printable ASCII characters");
        }
        seen.push(lower);
    }
    if seen.len() > MAX_HEADERS {
        fault("", "too_many", "at most 20 headers");
    }
    if total > MAX_TOTAL {
        fault("", "too_long", "at most 4096 characters in all names and values");
    }
    faults
}

/// What a header's name may consist of (RFC 9110, `token`).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn codes(headers: &[(&str, &str)]) -> Vec<&'static str> {
        check_headers(headers.iter().copied()).iter().map(|fault| fault.code).collect()
    }

    #[test]
    fn headers_of_ones_own_are_taken() {
        let fine = [("Authorization", "Bearer abc"), ("X-Shop", "7"), ("x-empty", "")];
        assert_eq!(codes(&fine), [] as [&str; 0]);
    }

    #[test]
    fn what_kurir_or_the_connection_sets_is_refused_in_any_case() {
        for name in [
            "Host",
            "Content-Length",
            "content-type",
            "WEBHOOK-ID",
            "webhook-signature",
            "X-Hub-Signature-256",
            "Connection",
            "Transfer-Encoding",
            "TE",
            "Upgrade",
            "User-Agent",
            "x-forwarded-for",
            "X-Amz-Target",
            "Expect",
        ] {
            assert_eq!(codes(&[(name, "x")]), ["header_reserved"], "{name}");
        }
    }

    #[test]
    fn a_header_cannot_smuggle_another() {
        assert_eq!(codes(&[("x-a", "1\r\nhost: evil")]), ["header_value_invalid"]);
        assert_eq!(codes(&[("x-a: 1\r\nhost", "evil")]), ["header_name_invalid"]);
        assert_eq!(codes(&[("x a", "1")]), ["header_name_invalid"]);
        assert_eq!(codes(&[("", "1")]), ["header_name_invalid"]);
        assert_eq!(codes(&[("x-a", "é")]), ["header_value_invalid"]);
        assert_eq!(codes(&[("x-a", "1"), ("X-A", "2")]), ["header_twice"]);
    }

    #[test]
    fn number_and_size_are_bounded() {
        let names: Vec<String> = (0..21).map(|n| format!("x-{n}")).collect();
        let many: Vec<_> = names.iter().map(|name| (name.as_str(), "1")).collect();
        assert_eq!(codes(&many), ["too_many"]);
        assert_eq!(codes(&many[..20]), [] as [&str; 0]);
        let long = "a".repeat(1_024);
        assert_eq!(codes(&[("x-a", &format!("{long}a"))]), ["header_value_invalid"]);
        let four: Vec<_> = many[..4].iter().map(|(name, _)| (*name, long.as_str())).collect();
        assert_eq!(codes(&four), ["too_long"]);
    }

    proptest! {
        #[test]
        fn what_is_taken_is_a_header_to_the_http_library(name in ".{0,70}", value in ".{0,40}") {
            if check_headers([(name.as_str(), value.as_str())].into_iter()).is_empty() {
                prop_assert!(http::HeaderName::try_from(name.as_str()).is_ok());
                prop_assert!(http::HeaderValue::try_from(value.as_str()).is_ok());
            }
        }
    }
}
