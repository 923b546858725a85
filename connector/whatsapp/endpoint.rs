//! Where WhatsApp is and how to reach it: what all sockets of a process share.

use std::sync::Arc;

use whatsapp_rust::transport::{TokioWebSocketTransportFactory, TransportFactory, default_tls_connector};

use super::{AddressError, WhatsAppConfig, address};

/// WhatsApp's server, and how this process talks to it.
pub(super) struct Endpoint {
    pub config: WhatsAppConfig,
    pub transport: Arc<dyn TransportFactory>,
}

impl Endpoint {
    /// Checks the address.
    pub fn new(config: WhatsAppConfig) -> Result<Self, AddressError> {
        let url = address::check(config.server_url.as_deref())?;
        // A connector of its own for every connection would hold the TLS roots as many times.
        let transport =
            TokioWebSocketTransportFactory::new().with_url(url).with_connector(default_tls_connector());
        Ok(Self { config, transport: Arc::new(transport) })
    }
}
