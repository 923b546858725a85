//! Which servers this build may talk to.

use std::net::IpAddr;

use http::Uri;

use super::AddressError;

/// WhatsApp's own server.
const WHATSAPP: &str = "wss://web.whatsapp.com/ws/chat";

/// The address to connect to, or why this build must not.
pub(super) fn check(url: Option<&str>) -> Result<String, AddressError> {
    check_in_build(url.unwrap_or(WHATSAPP), cfg!(feature = "sandbox"))
}

/// A build for the sandbox does not verify WhatsApp's certificate chain, so it must never reach
/// WhatsApp or anybody who pretends to be. Any other build verifies, and only TLS hides who it is.
fn check_in_build(url: &str, sandbox: bool) -> Result<String, AddressError> {
    let not_web_socket = || AddressError::NotWebSocket(url.to_owned());
    let uri: Uri = url.parse().map_err(|_| not_web_socket())?;
    let host = uri.host().ok_or_else(not_web_socket)?;
    match uri.scheme_str() {
        Some("ws" | "wss") if sandbox && !is_loopback(host) => Err(AddressError::NotLoopback(url.to_owned())),
        Some("ws") if !sandbox => Err(AddressError::NotTls(url.to_owned())),
        Some("ws" | "wss") => Ok(url.to_owned()),
        _ => Err(not_web_socket()),
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sandbox_build_talks_to_loopback_only() {
        for url in [
            "ws://127.0.0.1:4000/ws/chat",
            "wss://127.8.9.1/ws/chat",
            "ws://[::1]:4000/x",
            "ws://localhost:1/",
        ] {
            assert_eq!(check_in_build(url, true).as_deref(), Ok(url));
        }
        for url in [
            WHATSAPP,
            "ws://127.0.0.1.example.com/ws/chat",
            "ws://127.0.0.1@example.com/ws/chat",
            "ws://localhost.example.com/",
            "ws://10.0.0.1/",
            "ws://[2001:db8::1]/",
        ] {
            assert_eq!(check_in_build(url, true), Err(AddressError::NotLoopback(url.to_owned())));
        }
    }

    #[test]
    fn any_other_build_talks_tls_only() {
        assert_eq!(check_in_build(WHATSAPP, false).as_deref(), Ok(WHATSAPP));
        let plain = "ws://127.0.0.1:4000/ws/chat";
        assert_eq!(check_in_build(plain, false), Err(AddressError::NotTls(plain.to_owned())));
    }

    #[test]
    fn nothing_but_web_sockets() {
        for url in ["", "127.0.0.1", "https://127.0.0.1/", "file:///etc/passwd", "ws:///ws/chat"] {
            for sandbox in [true, false] {
                assert_eq!(
                    check_in_build(url, sandbox),
                    Err(AddressError::NotWebSocket(url.to_owned())),
                    "{url}"
                );
            }
        }
    }

    #[test]
    fn the_default_is_whatsapp_itself() {
        assert_eq!(check(None).is_ok(), !cfg!(feature = "sandbox"));
    }
}
