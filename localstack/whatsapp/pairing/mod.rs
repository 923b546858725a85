//! Linking a client to an account: the client shows a QR code or a pairing code, the phone answers,
//! and both end with the account's signature over the client's identity and the client's over the
//! account's.

pub mod code;
mod link;
pub mod qr;
mod unlink;

pub use link::{LinkFailure, Linked, Waiter, handle_answer};
pub use unlink::unlink;

use std::collections::HashMap;

use link::Linking;
use shared::clock::Timestamp;

use super::{proto::PairingData, state::ConnectionId};

/// A client that waits to be linked.
pub struct Session {
    pub data: PairingData,
    /// Its Noise key, by which it is known ever after.
    pub noise: [u8; 32],
    pub code: Option<code::Attempt>,
    linking: Option<Linking>,
}

impl Session {
    pub fn new(data: PairingData, noise: [u8; 32]) -> Self {
        Self { data, noise, code: None, linking: None }
    }
}

/// Where a reference in a QR code leads.
pub struct Reference {
    pub connection: ConnectionId,
    pub expires: Timestamp,
}

/// All clients that wait to be linked.
#[derive(Default)]
pub struct Pairing {
    pub sessions: HashMap<ConnectionId, Session>,
    pub references: HashMap<String, Reference>,
}

impl Pairing {
    /// The client's connection is gone. Its references stay, to be called expired.
    pub fn forget(&mut self, connection: ConnectionId) {
        self.sessions.remove(&connection);
    }
}
