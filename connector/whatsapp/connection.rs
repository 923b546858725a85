//! A device's connection to WhatsApp, as sessions, lanes and commands use it. The real one is a
//! [`WhatsApp`](super::WhatsApp)'s; tests put one of their own in its place.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use shared::domain::content::Content;
use tokio::sync::watch;

use super::{CommandError, Inbox, OpenError, SendError, SocketState};
use crate::session_store::SessionStore;

/// Opens connections.
#[async_trait]
pub trait ConnectionFactory: Send + Sync {
    /// Opens the connection of one device and returns at once; what becomes of it is [`Connection::states`].
    ///
    /// It connects, shows QR codes when the device is not linked yet, and comes back by itself after it was lost
    /// (after 1, 1, 2, 3, 5 … seconds, at most 15 minutes, ±10 %). It is over when WhatsApp or
    /// [`Connection::close`] ended it.
    ///
    /// # Errors
    /// [`OpenError`] when the keys cannot be read or written.
    async fn open(
        &self,
        keys: Arc<SessionStore>,
        inbox: Arc<dyn Inbox>,
    ) -> Result<Arc<dyn Connection>, OpenError>;
}

/// The connection of one device.
#[async_trait]
pub trait Connection: Send + Sync {
    /// What it is; what it has become since it was opened counts as a change.
    fn states(&self) -> watch::Receiver<SocketState>;

    /// The number that it is linked to, as digits, when it is.
    fn number(&self) -> Option<String>;

    /// Whether messages can be sent now.
    fn is_connected(&self) -> bool;

    /// Sends something under the given WhatsApp message id and waits for the server's ack.
    ///
    /// `to` is a JID: `…@s.whatsapp.net`, `…@c.us`, `…@lid` or `…@g.us`.
    ///
    /// # Errors
    /// See [`SendError`]; [`SendError::may_have_been_sent`] tells whether to repeat under the same id.
    async fn send(&self, to: &str, wa_message_id: &str, content: &Content) -> Result<Sent, SendError>;

    /// Asks for a code that links this device when typed into the phone with that number
    /// (international, digits; `+`, spaces and dashes are ignored). Waits for the connection.
    ///
    /// # Errors
    /// [`CommandError`]
    async fn request_pairing_code(&self, phone_number: &str) -> Result<PairingCode, CommandError>;

    /// Tells the sender of these messages that they were read. `sender` is needed in groups only.
    ///
    /// # Errors
    /// [`CommandError`]
    async fn mark_read(
        &self,
        chat: &str,
        sender: Option<&str>,
        wa_message_ids: &[&str],
    ) -> Result<(), CommandError>;

    /// Asks which of these phone numbers (international, digits) have a WhatsApp account.
    ///
    /// # Errors
    /// [`CommandError`]
    async fn is_on_whatsapp(&self, phone_numbers: &[&str]) -> Result<Vec<OnWhatsApp>, CommandError>;

    /// Unlinks the device at WhatsApp and closes the connection. The keys are useless afterwards and
    /// should be wiped.
    ///
    /// # Errors
    /// WhatsApp could not be told, so that the phone still lists the device. The connection is closed all
    /// the same.
    async fn logout(&self) -> Result<(), CommandError>;

    /// Closes the connection and writes what is not written yet; keeps the link. The keys take no more
    /// changes: they are opened again for the next connection.
    async fn close(&self);
}

/// WhatsApp took a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// The server's time, unless it did not say; unix time, milliseconds.
    pub timestamp: Option<i64>,
}

/// A code to type into the phone, in place of scanning a QR code. As good as a login, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct PairingCode {
    pub code: String,
    pub expires_in: Duration,
}

/// Whether a phone number has a WhatsApp account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnWhatsApp {
    /// The address asked for, as WhatsApp writes it.
    pub pn: String,
    pub lid: Option<String>,
    pub registered: bool,
}
