//! Which addresses tenants may give.

use std::net::IpAddr;

use reqwest::Url;
use url::Host;

use super::addresses::{is_loopback, is_public};

/// The longest address, in characters.
const MAX_LEN: usize = 2_048;

/// What is allowed beyond `https` and public addresses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UrlPolicy {
    /// `http` as well (`KURIR_ALLOW_HTTP_URLS`).
    pub allow_http: bool,
    /// This machine, over `http` as well: set by sandbox builds, and by nothing in the environment.
    pub allow_loopback: bool,
    /// Ports of this machine where the gateway itself listens: never asked, whatever the host is called.
    pub own_ports: Vec<u16>,
}

/// Why an address is not asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No URL, or a very long one.
    #[error("not a URL of at most {MAX_LEN} characters")]
    Malformed,
    /// `ftp`, or `http` where it is not allowed.
    #[error("the scheme must be https")]
    Scheme,
    /// A user name or a password.
    #[error("a URL must not carry credentials; use a header of your own")]
    Credentials,
    /// A port below 1024 that is not for the web.
    #[error("port {0} is not for the web: use 443, 80, or one from 1024 on")]
    Port(u16),
    /// A port of the gateway itself.
    #[error("port {0} is the gateway's own")]
    OwnPort(u16),
    /// A private address, literal or behind a name.
    #[error("{0} is not a public address")]
    NotPublic(String),
}

impl Refusal {
    /// A stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "url_invalid",
            Self::Scheme => "scheme_forbidden",
            Self::Credentials => "credentials_in_url",
            Self::Port(_) | Self::OwnPort(_) => "port_forbidden",
            Self::NotPublic(_) => "address_forbidden",
        }
    }
}

impl UrlPolicy {
    /// Checks all that can be said of a URL without asking anybody. The parser is the one that the connection
    /// is made with, so that both mean the same host: `0x7f.1` and `2130706433` are 127.0.0.1 to it.
    pub(super) fn check(&self, text: &str) -> Result<Url, Refusal> {
        if text.chars().count() > MAX_LEN || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(Refusal::Malformed);
        }
        let url = Url::parse(text).map_err(|_| Refusal::Malformed)?;
        let host = url.host().ok_or(Refusal::Malformed)?;
        let literal = match host {
            Host::Ipv4(ip) => Some(IpAddr::V4(ip)),
            Host::Ipv6(ip) => Some(IpAddr::V6(ip)),
            Host::Domain(_) => None,
        };
        match url.scheme() {
            "https" => {}
            "http" if self.allow_http || (self.allow_loopback && names_loopback(&host)) => {}
            _ => return Err(Refusal::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::Credentials);
        }
        match url.port_or_known_default() {
            Some(port) if self.own_ports.contains(&port) => return Err(Refusal::OwnPort(port)),
            Some(80 | 443 | 1024..) => {}
            other => return Err(Refusal::Port(other.unwrap_or_default())),
        }
        if let Some(ip) = literal {
            self.check_address(ip)?;
        }
        Ok(url)
    }

    /// Checks the addresses behind a name, to which a connection would go. One that is not public among others that
    /// are is no accident. The refusal names the name alone: what is behind it may be nobody's business.
    pub(super) fn check_addresses(&self, name: &str, found: &[IpAddr]) -> Result<(), Refusal> {
        let checked = found.iter().try_for_each(|ip| self.check_address(*ip));
        checked.map_err(|_| Refusal::NotPublic(name.to_owned()))
    }

    /// Checks an address that a connection would go to.
    fn check_address(&self, ip: IpAddr) -> Result<(), Refusal> {
        if is_public(ip) || (self.allow_loopback && is_loopback(ip)) {
            Ok(())
        } else {
            Err(Refusal::NotPublic(ip.to_string()))
        }
    }
}

/// Whether a host is this machine by its very name.
fn names_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(ip) => is_loopback((*ip).into()),
        Host::Ipv6(ip) => is_loopback((*ip).into()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use proptest::prelude::*;

    use super::*;

    const STRICT: UrlPolicy = UrlPolicy { allow_http: false, allow_loopback: false, own_ports: Vec::new() };
    const SANDBOX: UrlPolicy = UrlPolicy { allow_http: false, allow_loopback: true, own_ports: Vec::new() };

    fn refused(policy: UrlPolicy, text: &str) -> &'static str {
        policy.check(text).expect_err(text).code()
    }

    #[test]
    fn private_addresses_are_refused_in_every_notation() {
        for host in [
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "0x7f.1",
            "0x7f000001",
            "0X7F.0.0.0X1",
            "0177.0.0.1",
            "017700000001",
            "2130706433",
            "127.0.0.1.",
            "%31%32%37.0.0.1",
            "１２７.０.０.１",
            "127。0。0。1",
            "①②⑦.0.0.1",
            "0",
            "0.0.0.0",
            "0x0",
            "2852039166",
            "0xA9FEA9FE",
            "0xa9.0xfe.0xa9.0xfe",
            "0251.0376.0251.0376",
            "169.254.43518",
            "169.16689662",
            "10.1",
            "192.168.257",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[0:0:0:0:0:ffff:a9fe:a9fe]",
            "[64:ff9b::a9fe:a9fe]",
            "[fd00:ec2::254]",
            "[fe80::1]",
            "[2002:7f00:1::]",
        ] {
            assert_eq!(refused(STRICT, &format!("https://{host}/hook")), "address_forbidden", "{host}");
        }
    }

    #[test]
    fn only_https_without_credentials_on_web_ports_is_taken() {
        for (text, code) in [
            ("http://example.com/", "scheme_forbidden"),
            ("ftp://example.com/", "scheme_forbidden"),
            ("file:///etc/passwd", "url_invalid"),
            ("gopher://example.com/", "scheme_forbidden"),
            ("javascript:alert(1)", "url_invalid"),
            ("https://ani:secret@example.com/", "credentials_in_url"),
            ("https://ani@example.com/", "credentials_in_url"),
            ("https://8.8.8.8@127.0.0.1/", "credentials_in_url"),
            ("https://example.com:22/", "port_forbidden"),
            ("https://example.com:25/", "port_forbidden"),
            ("https://example.com:0/", "port_forbidden"),
            ("https://example.com:99999/", "url_invalid"),
            ("https://", "url_invalid"),
            ("https:///", "url_invalid"),
            ("https://exa mple.com/", "url_invalid"),
            ("https://example.com/\r\nx: y", "url_invalid"),
            ("https://[fe80::1%25eth0]/", "url_invalid"),
            ("/hook", "url_invalid"),
            ("", "url_invalid"),
        ] {
            assert_eq!(refused(STRICT, text), code, "{text}");
        }
        let long = format!("https://example.com/{}", "a".repeat(MAX_LEN));
        assert_eq!(refused(STRICT, &long), "url_invalid");
        for text in [
            "https://example.com",
            "https://example.com/hook?x=1#top",
            "https://example.com:8443/",
            "https://8.8.8.8/",
            "https://[2606:4700:4700::1111]/",
            "https://bücher.example/",
        ] {
            assert!(STRICT.check(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn the_sandbox_may_reach_this_machine_over_http_and_nothing_else_that_is_private() {
        for text in [
            "http://127.0.0.1:3000/hook",
            "http://localhost:3000/",
            "http://[::1]:3000/",
            "https://127.0.0.1:3000/",
            "http://127.9.9.9:3000/",
        ] {
            assert!(SANDBOX.check(text).is_ok(), "{text}");
        }
        for (text, code) in [
            ("http://example.com/", "scheme_forbidden"),
            ("http://10.0.0.1/", "scheme_forbidden"),
            ("https://10.0.0.1/", "address_forbidden"),
            ("https://169.254.169.254/latest/meta-data/", "address_forbidden"),
            ("https://0.0.0.0/", "address_forbidden"),
            ("https://[::]/", "address_forbidden"),
        ] {
            assert_eq!(refused(SANDBOX, text), code, "{text}");
        }
    }

    #[test]
    fn the_ports_of_the_gateway_itself_are_refused_whatever_their_host_is_called() {
        let policy = UrlPolicy { own_ports: vec![8080], ..SANDBOX };
        for host in ["127.0.0.1", "localhost", "[::1]", "2130706433"] {
            assert_eq!(refused(policy.clone(), &format!("http://{host}:8080/")), "port_forbidden", "{host}");
            assert!(policy.check(&format!("http://{host}:8082/")).is_ok(), "{host}");
        }
        // The addresses behind it are known only when it is asked.
        assert_eq!(refused(policy, "https://rebound.example.com:8080/"), "port_forbidden");
    }

    #[test]
    fn http_is_taken_where_the_configuration_allows_it_and_still_to_public_addresses_only() {
        let policy = UrlPolicy { allow_http: true, ..STRICT };
        assert!(policy.check("http://example.com/").is_ok());
        assert_eq!(refused(policy.clone(), "http://127.0.0.1/"), "address_forbidden");
        assert_eq!(refused(policy, "ftp://example.com/"), "scheme_forbidden");
    }

    proptest! {
        #[test]
        fn an_address_is_judged_alike_in_decimal_hex_and_octal(bits in any::<u32>()) {
            let dotted = Ipv4Addr::from_bits(bits);
            let expected = STRICT.check(&format!("https://{dotted}/")).map(|_| ());
            for text in [format!("https://{bits}/"), format!("https://{bits:#x}/"), format!("https://0{bits:o}/")] {
                prop_assert_eq!(&STRICT.check(&text).map(|_| ()), &expected, "{}", text);
            }
        }

        #[test]
        fn any_text_is_judged_without_a_panic(text in ".*") {
            let _ = STRICT.check(&text);
            let _ = STRICT.check(&format!("https://{text}"));
        }
    }
}
