//! Devices: linked WhatsApp accounts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    ids::{DeviceId, TenantId},
    jid::Jid,
    pacing::Pacing,
    phone::PhoneNumber,
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
    /// Where its connection stands, as the connector last reported.
    pub status: DeviceStatus,
    /// What its owner wants; the connector works towards it.
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
