//! The encrypted channel: WhatsApp's flavour of the Noise protocol, from the server's side.

pub mod cert;
pub mod frames;
pub mod handshake;
mod symmetric;
mod xx;

pub use handshake::{Accepted, Pattern, ServerIdentity};
pub use symmetric::{Primitives, SealKey};

use super::error::SandboxError;

/// One direction of an established channel. The counter is the nonce; there is no associated data.
pub struct Channel {
    key: SealKey,
    counter: u64,
}

impl Channel {
    fn new(key: &[u8; 32]) -> Result<Self, SandboxError> {
        Ok(Self { key: SealKey::new(key)?, counter: 0 })
    }

    /// Seals the next frame.
    pub fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
        let sealed = self.key.seal(self.counter, &[], plain);
        self.counter += 1;
        sealed
    }

    /// Opens the next frame.
    pub fn open(&mut self, sealed: &[u8]) -> Result<Vec<u8>, SandboxError> {
        let plain = self.key.open(self.counter, &[], sealed)?;
        self.counter += 1;
        Ok(plain)
    }
}
