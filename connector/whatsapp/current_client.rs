//! The library's client that a socket has now.

use std::sync::{Arc, PoisonError, RwLock};

use whatsapp_rust::Client;

/// The client of the current round of QR codes; after that it stays the same. Cheap to clone.
#[derive(Clone)]
pub(super) struct CurrentClient(Arc<RwLock<Arc<Client>>>);

impl CurrentClient {
    pub fn new(client: Arc<Client>) -> Self {
        Self(Arc::new(RwLock::new(client)))
    }

    pub fn get(&self) -> Arc<Client> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn set(&self, client: Arc<Client>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = client;
    }
}
