//! Who may talk to the HTTP functions, and from which web pages.

use std::net::IpAddr;

use ipnet::IpNet;
use url::{Origin, Url};

use super::setting::{self, InvalidSetting};

/// Settings of the HTTP surface. Empty lists restrict nothing and allow no other site.
#[derive(Debug, Clone, Default)]
pub struct HttpPolicy {
    /// Web origins whose pages may call the API (`KURIR_CORS_ORIGINS`, comma-separated).
    pub cors_origins: Vec<String>,
    /// The only networks that may call, when there are any (`KURIR_IP_ALLOW`).
    pub allow: Vec<IpNet>,
    /// Networks that may not call (`KURIR_IP_DENY`).
    pub deny: Vec<IpNet>,
    /// Proxies whose `X-Forwarded-For` is believed (`KURIR_TRUSTED_PROXIES`).
    pub trusted_proxies: Vec<IpNet>,
}

impl HttpPolicy {
    /// Reads the environment.
    ///
    /// # Errors
    /// With the first address, network or origin that is none.
    pub fn from_env() -> Result<Self, InvalidSetting> {
        let origins = "web origins like https://app.example.com, separated by commas";
        Ok(Self {
            cors_origins: setting::list("KURIR_CORS_ORIGINS", origins, parse_origin)?,
            allow: networks("KURIR_IP_ALLOW")?,
            deny: networks("KURIR_IP_DENY")?,
            trusted_proxies: networks("KURIR_TRUSTED_PROXIES")?,
        })
    }

    /// Whether an address may call. An unknown one may, unless only some may.
    pub fn admits(&self, ip: Option<IpAddr>) -> bool {
        match ip {
            Some(ip) => !holds(&self.deny, ip) && (self.allow.is_empty() || holds(&self.allow, ip)),
            None => self.allow.is_empty(),
        }
    }

    /// The caller behind trusted proxies: the last address in `forwarded_for` that is none of them, or else
    /// the peer.
    pub fn caller(&self, peer: Option<IpAddr>, forwarded_for: &str) -> Option<IpAddr> {
        let peer = peer.map(|ip| ip.to_canonical());
        if !peer.is_some_and(|peer| holds(&self.trusted_proxies, peer)) {
            return peer;
        }
        let hops = forwarded_for.rsplit(',').map_while(|hop| hop.trim().parse::<IpAddr>().ok());
        hops.map(|ip| ip.to_canonical()).find(|ip| !holds(&self.trusted_proxies, *ip)).or(peer)
    }
}

fn holds(networks: &[IpNet], ip: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&ip))
}

fn networks(name: &str) -> Result<Vec<IpNet>, InvalidSetting> {
    setting::list(name, "addresses or networks like 10.0.0.0/8, separated by commas", parse_network)
}

/// A web origin: a scheme and a host, perhaps a port, and nothing else.
fn parse_origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let origin @ Origin::Tuple(..) = url.origin() else { return None };
    let origin = origin.ascii_serialization();
    text.trim_end_matches('/').eq_ignore_ascii_case(&origin).then_some(origin)
}

/// A network in CIDR notation, or a single address.
pub fn parse_network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn deny_beats_allow_and_an_allowlist_leaves_strangers_out() {
        let net = |text: &str| vec![parse_network(text).unwrap()];
        let policy = HttpPolicy { allow: net("10.0.0.0/8"), deny: net("10.1.1.1"), ..HttpPolicy::default() };
        assert!(policy.admits(Some(ip("10.2.3.4"))));
        assert!(!policy.admits(Some(ip("10.1.1.1"))));
        assert!(!policy.admits(Some(ip("192.168.0.1"))));
        assert!(!policy.admits(None));
        assert!(HttpPolicy::default().admits(None));
    }

    #[test]
    fn an_origin_is_a_scheme_and_a_host_and_nothing_else() {
        for text in ["https://app.example.com", "http://localhost:3000", "https://App.example.com/"] {
            let origin = parse_origin(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(origin, text.trim_end_matches('/').to_ascii_lowercase());
        }
        for text in [
            "foo",
            "*",
            "null",
            "https://",
            "ftp://example.com",
            "https://a.example/b",
            "https://u@a.example",
        ] {
            assert_eq!(parse_origin(text), None, "{text}");
        }
    }

    #[test]
    fn a_forwarded_address_is_believed_from_trusted_proxies_only() {
        let trusted = vec![parse_network("127.0.0.0/8").unwrap(), parse_network("10.0.0.1").unwrap()];
        let policy = HttpPolicy { trusted_proxies: trusted, ..HttpPolicy::default() };
        let local = Some(ip("127.0.0.1"));
        assert_eq!(policy.caller(local, "6.6.6.6, 203.0.113.7, 10.0.0.1"), Some(ip("203.0.113.7")));
        assert_eq!(policy.caller(local, "nonsense"), local);
        assert_eq!(policy.caller(local, ""), local);
        assert_eq!(policy.caller(Some(ip("203.0.113.9")), "1.2.3.4"), Some(ip("203.0.113.9")));
        assert_eq!(policy.caller(Some(ip("::ffff:127.0.0.1")), "1.2.3.4"), Some(ip("1.2.3.4")));
    }
}
