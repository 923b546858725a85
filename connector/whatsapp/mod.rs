//! WhatsApp, as the rest of Kurir sees it: open a socket for a device, send, listen.
//!
//! This folder and `session_store` are the only ones that name the protocol library
//! (`whatsapp-rust`, see docs/adr). What leaves them are the small types re-exported here, so that
//! the library can be replaced or upgraded in one place.

mod acks;
mod address;
mod arrivals;
mod client;
mod config;
mod content;
mod error;
mod group_subjects;
mod http;
mod identity;
mod inbound;
mod listener;
mod log_lines;
mod members;
mod own_copies;
mod own_retries;
mod pump;
mod reason;
mod receipt;
mod socket;
mod state;
mod tasks;
mod translate;
mod transport;

use std::{sync::Arc, time::Duration};

use whatsapp_rust::transport::{TokioWebSocketTransportFactory, TransportFactory, default_tls_connector};

use crate::session_store::SessionStore;
use identity::is_own;

pub use config::WhatsAppConfig;
pub use error::{AddressError, CommandError, OpenError, SendError};
pub use identity::Identity;
pub use inbound::{Chat, InboundMessage, Inbox, InboxError};
pub use log_lines::NORMAL_LINES;
pub use receipt::{Receipt, ReceiptKind};
pub use socket::{OnWhatsApp, PairingCode, Sent, Socket};
pub use state::{End, Linked, SocketState};

/// What all sockets of a process share: where WhatsApp is and how to reach it. Cheap to clone.
#[derive(Clone)]
pub struct WhatsApp {
    shared: Arc<Shared>,
}

/// The parts behind [`WhatsApp`].
struct Shared {
    config: WhatsAppConfig,
    transport: Arc<dyn TransportFactory>,
}

impl WhatsApp {
    /// Checks the configuration; connects nothing.
    ///
    /// # Errors
    /// [`AddressError`] when this build must not talk to that server: one with the feature `sandbox`
    /// (which does not verify WhatsApp's certificate chain) takes only loopback addresses, any other
    /// takes only `wss://`.
    pub fn new(config: WhatsAppConfig) -> Result<Self, AddressError> {
        let url = address::check(config.server_url.as_deref())?;
        // A connector of its own for every connection would hold the TLS roots as many times.
        let transport =
            TokioWebSocketTransportFactory::new().with_url(url).with_connector(default_tls_connector());
        Ok(Self { shared: Arc::new(Shared { config, transport: Arc::new(transport) }) })
    }

    /// See [`WhatsAppConfig::rate_limit_pause`].
    pub(crate) fn rate_limit_pause(&self) -> Duration {
        self.shared.config.rate_limit_pause
    }

    /// Opens the socket of one device and returns at once; what becomes of it is [`Socket::states`].
    ///
    /// The socket connects, shows QR codes when the device is not linked yet, and comes back by
    /// itself after a lost connection (after 1, 1, 2, 3, 5 … seconds, at most 15 minutes, ±10 %). It
    /// is over when WhatsApp or [`Socket::close`] ended it.
    ///
    /// # Errors
    /// [`OpenError`] when the keys cannot be read or written.
    pub async fn open(&self, keys: Arc<SessionStore>, inbox: Arc<dyn Inbox>) -> Result<Socket, OpenError> {
        Socket::open(self.shared.clone(), keys, inbox).await
    }
}
