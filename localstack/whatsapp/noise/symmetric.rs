//! The symmetric half of a Noise handshake, on `snow`'s primitives.

use snow::{
    params::{CipherChoice, DHChoice, HashChoice},
    resolvers::{CryptoResolver, DefaultResolver},
    types::{Cipher, Dh, Hash},
};

use crate::whatsapp::error::SandboxError;

/// Bytes that AES-GCM adds.
const TAG_LEN: usize = 16;

const MISSING: SandboxError = SandboxError::Noise("snow lacks a primitive");

/// Where the primitives come from.
pub struct Primitives;

impl Primitives {
    pub fn dh() -> Result<Box<dyn Dh>, SandboxError> {
        DefaultResolver.resolve_dh(&DHChoice::Curve25519).ok_or(MISSING)
    }

    fn hash() -> Result<Box<dyn Hash>, SandboxError> {
        DefaultResolver.resolve_hash(&HashChoice::SHA256).ok_or(MISSING)
    }

    fn cipher() -> Result<Box<dyn Cipher>, SandboxError> {
        DefaultResolver.resolve_cipher(&CipherChoice::AESGCM).ok_or(MISSING)
    }

    /// A fresh key pair.
    pub fn generate() -> Result<Box<dyn Dh>, SandboxError> {
        let mut pair = Self::dh()?;
        let mut random = DefaultResolver.resolve_rng().ok_or(MISSING)?;
        pair.generate(&mut *random)?;
        Ok(pair)
    }

    /// The pair of a private key of 32 bytes.
    pub fn pair(private: &[u8; 32]) -> Result<Box<dyn Dh>, SandboxError> {
        let mut pair = Self::dh()?;
        pair.set(private);
        Ok(pair)
    }
}

/// An AES-256-GCM key. WhatsApp's nonce, eight zero bytes and a big-endian 32-bit counter, is the
/// same twelve bytes as Noise's four zero bytes and a 64-bit counter.
pub struct SealKey(Box<dyn Cipher>);

impl SealKey {
    pub fn new(key: &[u8; 32]) -> Result<Self, SandboxError> {
        let mut cipher = Primitives::cipher()?;
        cipher.set(key);
        Ok(Self(cipher))
    }

    pub fn seal(&self, nonce: u64, associated: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut out = vec![0; plain.len() + TAG_LEN];
        self.0.encrypt(nonce, associated, plain, &mut out);
        out
    }

    pub fn open(&self, nonce: u64, associated: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SandboxError> {
        // snow subtracts without looking, so a short text would panic there.
        let len =
            sealed.len().checked_sub(TAG_LEN).ok_or(SandboxError::Noise("a sealed text is too short"))?;
        let mut out = vec![0; len];
        self.0.decrypt(nonce, associated, sealed, &mut out)?;
        Ok(out)
    }
}

/// The handshake hash, the chaining key and the current sealing key.
pub struct Symmetric {
    hash: Box<dyn Hash>,
    h: [u8; 32],
    chaining: [u8; 32],
    key: Option<SealKey>,
    nonce: u64,
}

impl Symmetric {
    /// Starts from the protocol's name: padded with zeros to 32 bytes, or hashed when it is longer.
    pub fn new(name: &str, prologue: &[u8]) -> Result<Self, SandboxError> {
        let mut hash = Primitives::hash()?;
        let mut h = [0; 32];
        if name.len() <= h.len() {
            h[..name.len()].copy_from_slice(name.as_bytes());
        } else {
            hash.reset();
            hash.input(name.as_bytes());
            hash.result(&mut h);
        }
        let mut state = Self { hash, h, chaining: h, key: None, nonce: 0 };
        state.mix_hash(prologue);
        Ok(state)
    }

    /// Adds public data to the transcript.
    pub fn mix_hash(&mut self, data: &[u8]) {
        self.hash.reset();
        self.hash.input(&self.h);
        self.hash.input(data);
        self.hash.result(&mut self.h);
    }

    /// Adds a shared secret; the nonce starts again at 0.
    pub fn mix_key(&mut self, pair: &dyn Dh, theirs: &[u8; 32]) -> Result<(), SandboxError> {
        let mut shared = [0; 32];
        pair.dh(theirs, &mut shared)?;
        if shared == [0; 32] {
            return Err(SandboxError::Noise("a public key of low order"));
        }
        let (mut chaining, mut key, mut unused) = ([0; 32], [0; 32], [0; 32]);
        self.hash.hkdf(&self.chaining, &shared, 2, &mut chaining, &mut key, &mut unused);
        self.chaining = chaining;
        self.key = Some(SealKey::new(&key)?);
        self.nonce = 0;
        Ok(())
    }

    /// Seals and adds the sealed text to the transcript.
    pub fn seal(&mut self, plain: &[u8]) -> Result<Vec<u8>, SandboxError> {
        let key = self.key.as_ref().ok_or(SandboxError::Noise("no key yet"))?;
        let sealed = key.seal(self.nonce, &self.h, plain);
        self.nonce += 1;
        self.mix_hash(&sealed);
        Ok(sealed)
    }

    /// Opens and adds the sealed text to the transcript.
    pub fn open(&mut self, sealed: &[u8]) -> Result<Vec<u8>, SandboxError> {
        let key = self.key.as_ref().ok_or(SandboxError::Noise("no key yet"))?;
        let plain = key.open(self.nonce, &self.h, sealed)?;
        self.nonce += 1;
        self.mix_hash(sealed);
        Ok(plain)
    }

    /// The two transport keys: client to server, server to client.
    pub fn split(mut self) -> ([u8; 32], [u8; 32]) {
        let (mut first, mut second, mut unused) = ([0; 32], [0; 32], [0; 32]);
        self.hash.hkdf(&self.chaining, &[], 2, &mut first, &mut second, &mut unused);
        (first, second)
    }
}
