//! Counters for tests and curious people.

use std::collections::BTreeSet;

use serde::Serialize;

use super::noise::Pattern;

/// How many handshakes of each kind were finished.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Handshakes {
    pub xx: u64,
    pub ik: u64,
    pub xx_fallback: u64,
}

/// Counted since the process started.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    pub handshakes: Handshakes,
    pub logins: u64,
    /// Messages that were taken from clients and phones.
    pub messages: u64,
    /// Stanzas that came on a socket after a newer one of the same client had logged in.
    pub late_stanzas: u64,
    /// The messages among them. None were taken.
    pub late_messages: u64,
    /// Reconnects that brought the routing info back.
    pub routed_reconnects: u64,
    /// Kinds of requests that were answered without being understood.
    pub unhandled: BTreeSet<String>,
}

impl Stats {
    pub fn handshake(&mut self, pattern: Pattern, routed: bool) {
        self.routed_reconnects += u64::from(routed);
        match pattern {
            Pattern::Xx => self.handshakes.xx += 1,
            Pattern::Ik => self.handshakes.ik += 1,
            Pattern::XxFallback => self.handshakes.xx_fallback += 1,
        }
    }
}
