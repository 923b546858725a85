//! Which addresses are public. What is not known to be public is not.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::LazyLock,
};

use ipnet::{Ipv4Net, Ipv6Net};

/// IPv4 networks that are not public (the special-purpose registry of IANA), and what clouds keep in public
/// ones.
const NOT_PUBLIC_V4: [(&str, &str); 18] = [
    ("0.0.0.0/8", "this network"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "shared by a provider's customers; Alibaba's metadata service"),
    ("127.0.0.0/8", "loopback"),
    ("168.63.129.16/32", "Azure's host"),
    ("169.254.0.0/16", "link-local; metadata services"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "protocol assignments; Oracle's metadata service"),
    ("192.0.2.0/24", "documentation"),
    ("192.31.196.0/24", "AS112"),
    ("192.52.193.0/24", "AMT"),
    ("192.88.99.0/24", "6to4 relays"),
    ("192.168.0.0/16", "private"),
    ("192.175.48.0/24", "AS112"),
    ("198.18.0.0/15", "benchmarks"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    // Multicast, reserved, broadcast.
    ("224.0.0.0/3", "multicast and reserved"),
];

/// The IPv6 networks that are given out at all; all else (loopback, link-local, unique local, multicast,
/// discard, …) is not public.
const GIVEN_OUT_V6: &str = "2000::/3";

/// What is not public of that.
const NOT_PUBLIC_V6: [(&str, &str); 6] = [
    ("2001::/23", "protocol assignments: Teredo, benchmarks, ORCHID"),
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "6to4: an IPv4 address in disguise"),
    ("2620:4f:8000::/48", "AS112"),
    ("3ffe::/16", "6bone"),
    ("3fff::/20", "documentation"),
];

/// IPv4 addresses as NAT64 shows them to a network that has IPv6 only.
const NAT64: &str = "64:ff9b::/96";

struct Table {
    v4: Vec<Ipv4Net>,
    given_out: Ipv6Net,
    v6: Vec<Ipv6Net>,
    nat64: Ipv6Net,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| Table {
    v4: NOT_PUBLIC_V4.iter().map(|(net, _)| net.parse().expect("checked by a test")).collect(),
    given_out: GIVEN_OUT_V6.parse().expect("checked by a test"),
    v6: NOT_PUBLIC_V6.iter().map(|(net, _)| net.parse().expect("checked by a test")).collect(),
    nat64: NAT64.parse().expect("checked by a test"),
});

/// Whether anybody on the internet may have this address.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match embedded(ip) {
            Some(ip) => is_public_v4(ip),
            None => TABLE.given_out.contains(&ip) && !TABLE.v6.iter().any(|net| net.contains(&ip)),
        },
    }
}

/// Whether it is this machine's own.
pub(super) fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    !TABLE.v4.iter().any(|net| net.contains(&ip))
}

/// The IPv4 address that a packet to this IPv6 address ends at, where networks really do that. Other ways of
/// putting one into the other are not public at all.
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    if let Some(mapped) = ip.to_ipv4_mapped() {
        return Some(mapped);
    }
    let [.., a, b, c, d] = ip.octets();
    TABLE.nat64.contains(&ip).then(|| Ipv4Addr::new(a, b, c, d))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn evil_addresses_are_not_public() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "169.254.170.2",
            "169.254.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "192.168.255.255",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "64:ff9b:1::8.8.8.8",
            "100::1",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "2002:808:808::1",
            "3fff::1",
            "3fff:fff::1",
            "5f00::1",
            "fc00::1",
            "fd00::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "fe80::1",
            "fe80::a9fe:a9fe",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ] {
            assert!(!is_public(ip(text)), "{text}");
        }
    }

    #[test]
    fn addresses_of_the_internet_are_public() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "168.63.129.15",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2001:4860:4860::8888",
            "2001:200::1",
            "2606:4700:4700::1111",
            "2a00:1450:4001::200e",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
        ] {
            assert!(is_public(ip(text)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_standard_library_knows_as_not_public_is_not_for_us(bits in any::<u32>()) {
            let v4 = Ipv4Addr::from_bits(bits);
            let known = v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast()
                || v4.is_broadcast() || v4.is_documentation() || v4.is_unspecified();
            prop_assert!(!known || !is_public(v4.into()), "{}", v4);
        }

        #[test]
        fn every_address_of_a_network_that_is_not_public_is_refused(n in 0..NOT_PUBLIC_V4.len(), bits in any::<u32>()) {
            let net: Ipv4Net = NOT_PUBLIC_V4[n].0.parse().unwrap();
            let host = bits & net.hostmask().to_bits();
            let v4 = Ipv4Addr::from_bits(net.network().to_bits() | host);
            prop_assert!(!is_public(v4.into()), "{}", v4);
            prop_assert!(!is_public(v4.to_ipv6_mapped().into()), "{}", v4);
        }

        #[test]
        fn an_address_within_another_is_as_public_as_it_is_alone(bits in any::<u32>()) {
            let v4 = Ipv4Addr::from_bits(bits);
            let nat64 = Ipv6Addr::from_bits(0x64_ff9b << 96 | u128::from(bits));
            prop_assert_eq!(is_public(nat64.into()), is_public(v4.into()));
            prop_assert_eq!(is_public(v4.to_ipv6_mapped().into()), is_public(v4.into()));
        }

        #[test]
        fn what_is_not_given_out_is_not_public(bits in any::<u128>()) {
            let v6 = Ipv6Addr::from_bits(bits);
            let known = v6.is_loopback() || v6.is_multicast() || v6.is_unspecified()
                || v6.is_unique_local() || v6.is_unicast_link_local();
            prop_assert!(!known || !is_public(v6.into()), "{}", v6);
            let unique_local = Ipv6Addr::from_bits(bits >> 7 | 0xfc << 120);
            prop_assert!(!is_public(unique_local.into()), "{}", unique_local);
            let six_to_four = Ipv6Addr::from_bits(bits >> 16 | 0x2002 << 112);
            prop_assert!(!is_public(six_to_four.into()), "{}", six_to_four);
        }
    }
}
