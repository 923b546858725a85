//! The HTTP client that tests ask with.

use shared::outbound::install_ring;

/// A client for servers on this machine: it trusts no certificates, so that it need not read the system's.
///
/// # Panics
/// Never.
pub fn http_client() -> reqwest::Client {
    install_ring();
    reqwest::Client::builder()
        .tls_certs_only([])
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("nothing of this depends on the system")
}
