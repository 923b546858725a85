//! One device's socket.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::{CommandError, Inbox, OpenError, SendError, Shared, SocketEvent};
use crate::session_store::SessionStore;

/// The socket of one device. Dropping it without [`Socket::close`] stops it, but may lose the newest
/// read marks.
pub struct Socket {
    _private: (),
}

/// WhatsApp took a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// The server's time; unix time, milliseconds.
    pub timestamp: i64,
}

/// A code to type into the phone, in place of scanning a QR code.
#[derive(Clone, PartialEq, Eq)]
pub struct PairingCode {
    pub code: String,
    pub expires_in: Duration,
}

/// Whether a phone number has a WhatsApp account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnWhatsApp {
    /// The number as asked, as a JID.
    pub pn: String,
    pub lid: Option<String>,
    pub registered: bool,
}

impl Socket {
    pub(super) async fn open(
        _shared: Arc<Shared>,
        _keys: Arc<SessionStore>,
        _inbox: Arc<dyn Inbox>,
        _events: mpsc::Sender<SocketEvent>,
    ) -> Result<Self, OpenError> {
        Err(OpenError::Library("not written yet".into()))
    }

    /// Sends a text under the given WhatsApp message id and waits for the server's ack.
    ///
    /// `to` is a JID: `…@s.whatsapp.net`, `…@lid` or `…@g.us`.
    ///
    /// # Errors
    /// See [`SendError`]; [`SendError::may_have_been_sent`] tells whether to repeat under the same id.
    pub async fn send_text(&self, _to: &str, _wa_message_id: &str, _body: &str) -> Result<Sent, SendError> {
        Err(SendError::NotConnected)
    }

    /// Asks for a code that links this device when typed into the phone with that number
    /// (international, digits; `+`, spaces and dashes are ignored).
    ///
    /// # Errors
    /// [`CommandError`]
    pub async fn request_pairing_code(&self, _phone_number: &str) -> Result<PairingCode, CommandError> {
        Err(CommandError::NotConnected)
    }

    /// Tells the sender of these messages that they were read. `sender` is needed in groups only.
    ///
    /// # Errors
    /// [`CommandError`]
    pub async fn mark_read(
        &self,
        _chat: &str,
        _sender: Option<&str>,
        _wa_message_ids: &[&str],
    ) -> Result<(), CommandError> {
        Err(CommandError::NotConnected)
    }

    /// Asks which of these phone numbers (digits) have a WhatsApp account.
    ///
    /// # Errors
    /// [`CommandError`]
    pub async fn is_on_whatsapp(&self, _phone_numbers: &[&str]) -> Result<Vec<OnWhatsApp>, CommandError> {
        Err(CommandError::NotConnected)
    }

    /// Unlinks the device at WhatsApp and closes the socket. The keys are useless afterwards and
    /// should be wiped.
    ///
    /// # Errors
    /// [`CommandError::NotConnected`] when WhatsApp could not be told: the phone still lists the
    /// device. The socket is closed all the same.
    pub async fn logout(&self) -> Result<(), CommandError> {
        Ok(())
    }

    /// Closes the socket and writes what is not written yet; keeps the link.
    pub async fn close(&self) {}

    /// Whether messages can be sent now.
    pub fn is_connected(&self) -> bool {
        false
    }
}
