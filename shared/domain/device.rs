//! Devices: linked WhatsApp accounts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    alias::Alias,
    ids::{DeviceId, TenantId},
    jid::Jid,
    pacing::Pacing,
    phone::PhoneNumber,
    stored::{Word, word},
};
use crate::{clock::Timestamp, secret::Secret};

/// A WhatsApp account that is, or can be, linked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// Its id.
    pub id: DeviceId,
    /// The tenant that owns it.
    pub account_id: TenantId,
    /// What its owner calls it.
    pub name: String,
    /// What clients of older gateways call it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<Alias>,
    /// Where its connection stands, as the connector last reported.
    #[serde(deserialize_with = "word")]
    pub status: DeviceStatus,
    /// What its owner wants; the connector works towards it.
    #[serde(deserialize_with = "word")]
    pub desired: Desired,
    /// Number of the linked account.
    pub phone_number: Option<PhoneNumber>,
    /// Hidden identity of the linked account.
    pub lid: Option<Jid>,
    /// The name that the account shows to others.
    pub push_name: Option<String>,
    /// The shard whose connector serves it.
    pub shard: u16,
    /// Whether its owner paused its queue.
    #[serde(default)]
    pub paused: bool,
    /// Grows with each change of pacing or pause: what is accepted afterwards goes by the new ones.
    #[serde(default)]
    pub send_rules: u32,
    /// Set when a message was accepted but not queued: what was accepted after it tells the connector to look
    /// into the outbox first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outbox_gap: Option<Timestamp>,
    /// How fast it may send.
    pub pacing: Pacing,
    /// The numbers that it was linked to so far, in the order of their first links.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub numbers: Vec<PhoneNumber>,
    /// Which of the numbers it is linked to, or was last: the generation of its link.
    #[serde(default)]
    pub generation: u32,
    /// Whether the next link may be to another number than the last one.
    #[serde(default)]
    pub allow_number_change: bool,
    /// What becomes of messages that wait when it is linked to another number.
    #[serde(default, deserialize_with = "word")]
    pub on_relink: OnRelink,
    /// When its socket was last known to be open.
    pub last_seen_at: Option<Timestamp>,
    /// Why it is not connected, in words for its owner.
    pub last_error: Option<String>,
    /// The QR code to scan now.
    pub qr: Option<QrCode>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When anything of it last changed.
    pub updated_at: Timestamp,
}

/// A device as it is linked to one of its numbers: what chats, contacts, waiting messages and counts belong to. They
/// are another link's when the number changes, and the same again when it changes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Link {
    /// The tenant.
    pub tenant: TenantId,
    /// The device.
    pub device: DeviceId,
    /// Which of its numbers, counted from 0. What came before the first link belongs to the first number.
    pub generation: u32,
}

/// What becomes of messages that wait to be sent when their device is linked to another number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnRelink {
    /// They fail with `device_relinked`.
    #[default]
    Fail,
    /// They wait for the number that they were accepted for, until they expire.
    Wait,
}

/// Nothing is given up that a newer version may want to keep.
impl Word for OnRelink {
    const UNKNOWN: Self = Self::Wait;
}

/// The most numbers that a device is linked to in its life.
const MOST_NUMBERS: usize = 50;

/// What a device says to a phone that linked it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It is this number's device now: the generation, and all its numbers.
    Taken(u32, Vec<PhoneNumber>),
    /// It is not, and why, in words for its owner.
    Refused(String),
}

impl Device {
    /// The link that holds now, or held last.
    pub fn link(&self) -> Link {
        self.link_of(self.generation)
    }

    /// Every link that it ever had.
    pub fn links(&self) -> impl Iterator<Item = Link> {
        let count = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX).max(self.generation + 1);
        (0..count).map(|generation| self.link_of(generation))
    }

    fn link_of(&self, generation: u32) -> Link {
        Link { tenant: self.account_id, device: self.id, generation }
    }

    /// Whether it may be linked to a number.
    pub fn admits(&self, number: &PhoneNumber) -> Admission {
        let mut numbers = self.numbers.clone();
        if numbers.is_empty() {
            // Linked before there were several numbers to tell apart.
            numbers.extend(self.phone_number.clone());
        }
        let last = usize::try_from(self.generation).ok().and_then(|at| numbers.get(at)).cloned();
        if let Some(last) = last.filter(|last| last != number && !self.allow_number_change) {
            return Admission::Refused(format!(
                "the phone has the number {number}, and this device belongs to {last}: link that one, or connect \
                 with allowNumberChange"
            ));
        }
        if let Some(at) = numbers.iter().position(|known| known == number) {
            return Admission::Taken(u32::try_from(at).unwrap_or(u32::MAX), numbers);
        }
        if numbers.len() >= MOST_NUMBERS {
            let reason =
                format!("this device was linked to {MOST_NUMBERS} numbers already: make another one");
            return Admission::Refused(reason);
        }
        let generation = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        numbers.push(number.clone());
        Admission::Taken(generation, numbers)
    }
}

/// A QR code's text, as WhatsApp's phones read it, and when it stops working.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QrCode {
    /// The text in the picture: as good as a login, so never shown in a log.
    pub code: Secret,
    /// From then on another one is shown.
    pub expires_at: Timestamp,
}

/// Where a device's connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeviceStatus {
    /// No socket, and none wanted.
    Disconnected,
    /// A socket is being opened, or opened again.
    Connecting,
    /// Waiting for a phone to scan the QR code.
    Qr,
    /// Linked, with an open socket.
    Connected,
    /// The link was ended, here or on the phone; the keys are gone.
    LoggedOut,
    /// WhatsApp refuses the connection; see `last_error`.
    Failed,
}

/// The connector reports what it is as soon as that changes.
impl Word for DeviceStatus {
    const UNKNOWN: Self = Self::Disconnected;
}

impl DeviceStatus {
    /// All statuses, as the API writes them.
    pub const NAMES: [&'static str; 6] =
        ["disconnected", "connecting", "qr", "connected", "logged_out", "failed"];

    /// Reads the API's word.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_value(serde_json::Value::String(text.into())).ok()
    }
}

/// What the owner wants of a device. A command only wakes the connector: it acts on this, so commands
/// may come twice or in another order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Desired {
    /// No socket; the link stays.
    Disconnected,
    /// An open socket; a QR code when there is no link.
    Connected,
    /// No link and no keys.
    LoggedOut,
    /// No link, no keys, no data.
    Deleted,
}

/// Nothing is opened and nothing is erased for a wish that is not understood.
impl Word for Desired {
    const UNKNOWN: Self = Self::Disconnected;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(numbers: &[&str], generation: u32, allowed: bool) -> Device {
        let device = serde_json::json!({
            "id": DeviceId::derived([1; 32]), "accountId": TenantId::derived([2; 32]), "name": "Shop",
            "status": "disconnected", "desired": "connected", "shard": 0, "pacing": Pacing::default(),
            "numbers": numbers, "generation": generation, "allowNumberChange": allowed,
            "createdAt": "2026-01-01T00:00:00.000Z", "updatedAt": "2026-01-01T00:00:00.000Z",
        });
        serde_json::from_value(device).unwrap()
    }

    fn number(text: &str) -> PhoneNumber {
        PhoneNumber::parse(text).unwrap()
    }

    #[test]
    fn another_number_is_taken_only_when_its_owner_allows_it_and_an_earlier_one_gets_its_place_back() {
        let (ani, budi) = ("+6281234567890", "+6281234567891");
        let taken = |generation, numbers: &[&str]| {
            Admission::Taken(generation, numbers.iter().map(|text| number(text)).collect())
        };
        assert_eq!(device(&[], 0, false).admits(&number(ani)), taken(0, &[ani]));
        assert_eq!(device(&[ani], 0, false).admits(&number(ani)), taken(0, &[ani]));
        assert!(matches!(device(&[ani], 0, false).admits(&number(budi)), Admission::Refused(_)));
        assert_eq!(device(&[ani], 0, true).admits(&number(budi)), taken(1, &[ani, budi]));
        assert!(matches!(device(&[ani, budi], 1, false).admits(&number(ani)), Admission::Refused(_)));
        assert_eq!(device(&[ani, budi], 1, true).admits(&number(ani)), taken(0, &[ani, budi]));
        let linked_before = Device { phone_number: Some(number(ani)), ..device(&[], 0, false) };
        assert_eq!(linked_before.admits(&number(ani)), taken(0, &[ani]));
        assert!(matches!(linked_before.admits(&number(budi)), Admission::Refused(_)));
        assert_eq!(device(&[ani, budi], 0, false).links().count(), 2);
    }
}
