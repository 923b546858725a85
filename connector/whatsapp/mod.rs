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
mod connection;
mod content;
mod current_client;
mod endpoint;
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
mod socket_core;
mod state;
mod tasks;
mod translate;
mod transport;

use std::sync::Arc;

use async_trait::async_trait;

use crate::session_store::SessionStore;
use endpoint::Endpoint;
use identity::is_own;
use socket::Socket;

pub use config::WhatsAppConfig;
pub use connection::{Connection, ConnectionFactory, OnWhatsApp, PairingCode, Sent};
pub use error::{AddressError, CommandError, OpenError, SendError};
pub use identity::Identity;
pub use inbound::{Chat, InboundMessage, Inbox, InboxError};
pub use log_lines::NORMAL_LINES;
pub use receipt::{Receipt, ReceiptKind};
pub use state::{End, Linked, SocketState};

/// WhatsApp itself, behind [`ConnectionFactory`]. Cheap to clone.
#[derive(Clone)]
pub struct WhatsApp(Arc<Endpoint>);

impl WhatsApp {
    /// Checks the configuration; connects nothing.
    ///
    /// # Errors
    /// [`AddressError`] when this build must not talk to that server: one with the feature `sandbox`
    /// (which does not verify WhatsApp's certificate chain) takes only loopback addresses, any other
    /// takes only `wss://`.
    pub fn new(config: WhatsAppConfig) -> Result<Self, AddressError> {
        Ok(Self(Arc::new(Endpoint::new(config)?)))
    }
}

#[async_trait]
impl ConnectionFactory for WhatsApp {
    async fn open(
        &self,
        keys: Arc<SessionStore>,
        inbox: Arc<dyn Inbox>,
    ) -> Result<Arc<dyn Connection>, OpenError> {
        Ok(Arc::new(Socket::open(self.0.clone(), keys, inbox).await?))
    }
}
