//! Who a JID means. An account has two names, its phone number and its LID; inside the sandbox it
//! is always known by its number, so that both names lead to the same keys.

use std::fmt;

use serde::{Deserialize, Serialize};
use wacore_binary::{Jid, Server};

/// One device of an account: the phone itself is device 0.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The account's phone number, digits only.
    pub number: String,
    pub device: u16,
}

impl Address {
    pub fn new(number: impl Into<String>, device: u16) -> Self {
        Self { number: number.into(), device }
    }

    pub fn is_phone(&self) -> bool {
        self.device == 0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, self.device)
    }
}

/// Reads what [`Address`] displays.
pub fn parse_address(text: &str) -> Option<Address> {
    let (number, device) = text.rsplit_once(':')?;
    Some(Address::new(number, device.parse().ok()?))
}

/// Under which of its two names an account appears on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Addressing {
    /// By phone number, with the LID beside it (`sender_lid`).
    #[default]
    Pn,
    /// By LID, with the phone number beside it (`sender_pn`).
    Lid,
}

impl Addressing {
    /// The way a JID is written.
    pub fn of(jid: &Jid) -> Self {
        if jid.server.is_lid_family() { Self::Lid } else { Self::Pn }
    }
}

/// A phone number as digits, from E.164 with or without `+`; `None` when it cannot be one.
pub fn digits(number: &str) -> Option<String> {
    let number = number.trim();
    let number = number.strip_prefix('+').unwrap_or(number);
    let valid = (7..=15).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && !number.starts_with('0');
    valid.then(|| number.to_owned())
}

/// The JID of a group.
pub fn group_jid(id: &str) -> Jid {
    Jid::new(id, Server::Group)
}
