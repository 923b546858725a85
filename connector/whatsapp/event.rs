//! What a socket reports.

use std::fmt;
use std::time::Duration;

use super::Identity;

/// Something happened on a socket. Arrives in order.
#[derive(Clone, PartialEq, Eq)]
pub enum SocketEvent {
    /// Show this QR code to the phone's owner.
    Qr { code: String, valid_for: Duration },
    /// Nobody scanned; the socket is over.
    QrExhausted,
    /// A pairing code was issued (also the answer of [`Socket::request_pairing_code`](super::Socket)).
    PairingCode { code: String, expires_in: Duration },
    /// The shown pairing code is void; another may be asked for.
    PairingCodeVoid { reason: String },
    /// The phone linked this device; WhatsApp closes the connection and the socket logs in.
    Paired { identity: Identity, push_name: Option<String> },
    /// The phone answered but linking failed. The socket goes on.
    PairingFailed { reason: String },
    /// Logged in and ready to send.
    Connected { identity: Identity, push_name: Option<String> },
    /// The connection was lost; the socket comes back by itself.
    Disconnected { reason: String },
    /// The link is gone, at the phone's or WhatsApp's will; the socket is over, the keys are useless.
    LoggedOut { reason: String },
    /// Another connection took this device's place; the socket is over, the link is not.
    StreamReplaced,
    /// WhatsApp banned the account for a while; the socket is over.
    TemporaryBan { code: i32, reason: String, expires_in: Duration },
    /// WhatsApp no longer accepts the announced version; the socket is over.
    ClientOutdated,
    /// WhatsApp refused the login for another reason. Over unless `retrying`.
    ConnectFailure { code: i32, reason: String, retrying: bool },
    /// Delivered, read, played.
    Receipt {
        wa_message_ids: Vec<String>,
        /// The group, or the person, whose chat the messages are in.
        chat: super::Chat,
        /// Who received or read.
        from: Identity,
        kind: ReceiptKind,
        /// Unix time, milliseconds.
        timestamp: i64,
    },
    /// A phone number and a LID were found to be the same person.
    IdentityLearned { pn: String, lid: String },
}

/// What a receipt says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReceiptKind {
    Delivered,
    Read,
    Played,
    /// The owner read the chat on the phone or another linked device.
    ReadByOwner,
    /// The recipient's device could not take it.
    ServerError,
}

/// A QR text and a pairing code are as good as a login: never shown.
impl fmt::Debug for SocketEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Qr { valid_for, .. } => {
                f.debug_struct("Qr").field("valid_for", valid_for).finish_non_exhaustive()
            }
            Self::QrExhausted => f.write_str("QrExhausted"),
            Self::PairingCode { expires_in, .. } => {
                f.debug_struct("PairingCode").field("expires_in", expires_in).finish_non_exhaustive()
            }
            Self::PairingCodeVoid { reason } => {
                f.debug_struct("PairingCodeVoid").field("reason", reason).finish()
            }
            Self::Paired { identity, .. } => {
                f.debug_struct("Paired").field("identity", identity).finish_non_exhaustive()
            }
            Self::PairingFailed { reason } => {
                f.debug_struct("PairingFailed").field("reason", reason).finish()
            }
            Self::Connected { identity, .. } => {
                f.debug_struct("Connected").field("identity", identity).finish_non_exhaustive()
            }
            Self::Disconnected { reason } => f.debug_struct("Disconnected").field("reason", reason).finish(),
            Self::LoggedOut { reason } => f.debug_struct("LoggedOut").field("reason", reason).finish(),
            Self::StreamReplaced => f.write_str("StreamReplaced"),
            Self::TemporaryBan { code, reason, expires_in } => f
                .debug_struct("TemporaryBan")
                .field("code", code)
                .field("reason", reason)
                .field("expires_in", expires_in)
                .finish(),
            Self::ClientOutdated => f.write_str("ClientOutdated"),
            Self::ConnectFailure { code, reason, retrying } => f
                .debug_struct("ConnectFailure")
                .field("code", code)
                .field("reason", reason)
                .field("retrying", retrying)
                .finish(),
            Self::Receipt { wa_message_ids, kind, timestamp, .. } => f
                .debug_struct("Receipt")
                .field("wa_message_ids", wa_message_ids)
                .field("kind", kind)
                .field("timestamp", timestamp)
                .finish_non_exhaustive(),
            Self::IdentityLearned { .. } => f.write_str("IdentityLearned"),
        }
    }
}
