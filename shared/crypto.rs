//! Encryption at rest, hashing of secrets, and keys derived from the master key.

use std::fmt;

use aes_gcm::{
    Aes256Gcm,
    aead::{Aead, KeyInit, Payload},
};
use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::secret::Secret;

const NONCE_LEN: usize = 12;

/// `len` random bytes from the operating system's generator.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes);
    bytes
}

/// A random token of 256 bits behind a prefix that tells what it is, such as `kur_`.
pub fn random_token(prefix: &str) -> Secret {
    Secret::new(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(random_bytes::<32>())))
}

/// A password that a person can type: 100 random bits in five groups.
pub fn random_password() -> Secret {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let chars = random_bytes::<20>().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    Secret::new(chars.chunks(4).map(String::from_iter).collect::<Vec<_>>().join("-"))
}

/// What is stored of a token: SHA-256 in hex. Tokens have 256 random bits, so no slow hash is needed.
pub fn token_hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

/// SHA-256 in hex of several parts, unambiguous in where one part ends.
pub fn digest_of(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// The key from which all others derive: `KURIR_MASTER_KEY`, 32 bytes in base64.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// A new random key.
    pub fn generate() -> Self {
        Self(Zeroizing::new(random_bytes()))
    }

    /// Reads the base64 form.
    pub fn from_base64(text: &str) -> Result<Self, MasterKeyError> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| MasterKeyError)?;
        Ok(Self(Zeroizing::new(bytes.try_into().map_err(|_| MasterKeyError)?)))
    }

    /// The base64 form, to be kept where only the operator reads it.
    pub fn to_base64(&self) -> Secret {
        Secret::new(STANDARD.encode(*self.0))
    }

    /// A key for one purpose, by HKDF-SHA256 (RFC 5869).
    pub fn derive(&self, purpose: &str) -> Zeroizing<[u8; 32]> {
        let mut key = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(Some(b"kurir"), &*self.0)
            .expand(purpose.as_bytes(), &mut *key)
            .expect("32 bytes is a length that HKDF-SHA256 gives");
        key
    }

    /// Hashes under a key for one purpose.
    pub fn keyed_hash(&self, purpose: &str) -> KeyedHash {
        KeyedHash(self.derive(purpose))
    }

    /// By which another key is told from this one. It tells nothing of the key itself.
    pub fn check_value(&self) -> String {
        hex::encode(&self.derive("key check")[..16])
    }

    /// Encryption under a key for one purpose.
    pub fn sealer(&self, purpose: &str) -> Sealer {
        Sealer(Aes256Gcm::new(&(*self.derive(purpose)).into()))
    }

    /// Encryption under a key for each tenant.
    pub fn tenant_sealers(&self) -> TenantSealers {
        TenantSealers(Self(self.derive("tenants")))
    }
}

/// Encryption under a key of its own for each tenant, derived when it is needed: that takes about as long as to
/// seal a short text.
#[derive(Debug, Clone)]
pub struct TenantSealers(MasterKey);

impl TenantSealers {
    /// Encryption for one tenant, by its id.
    pub fn of(&self, tenant: &str) -> Sealer {
        self.0.sealer(tenant)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey([secret])")
    }
}

/// The master key is not 32 bytes in base64.
#[derive(Debug, thiserror::Error)]
#[error("the master key must be 32 bytes in base64 (for example from `openssl rand -base64 32`)")]
pub struct MasterKeyError;

/// HMAC-SHA256 under a derived key: what stands in place of a text that is looked up by, and must not be read or
/// guessed by whoever sees the table.
#[derive(Clone)]
pub struct KeyedHash(Zeroizing<[u8; 32]>);

impl KeyedHash {
    /// The hash of a text of some kind, in hex.
    pub fn of(&self, kind: &str, text: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.0).expect("HMAC takes keys of any length");
        mac.update(&digest_of(&[kind.as_bytes(), text.as_bytes()]));
        hex::encode(mac.finalize().into_bytes())
    }
}

impl fmt::Debug for KeyedHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedHash([secret])")
    }
}

/// Authenticated encryption, AES-256-GCM with a random 96-bit nonce in front of the ciphertext.
#[derive(Clone)]
pub struct Sealer(Aes256Gcm);

impl Sealer {
    /// Encrypts `plain`, bound to `aad`: it opens only with the same `aad`.
    pub fn seal(&self, aad: &[u8], plain: &[u8]) -> Vec<u8> {
        let nonce = random_bytes::<NONCE_LEN>();
        let sealed = self
            .0
            .encrypt(&nonce.into(), Payload { msg: plain, aad })
            .expect("AES-GCM encrypts anything below 64 GiB");
        [nonce.as_slice(), &sealed].concat()
    }

    /// Decrypts what [`Sealer::seal`] made with the same `aad`.
    pub fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (nonce, msg) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(OpenError)?;
        self.0.decrypt(&(*nonce).into(), Payload { msg, aad }).map_err(|_| OpenError)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer([secret])")
    }
}

/// The data was altered, belongs to another row, or was sealed under another master key.
#[derive(Debug, thiserror::Error)]
#[error("sealed data does not open: altered, misplaced, or sealed under another master key")]
pub struct OpenError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealed_data_opens_only_in_its_own_place() {
        let sealer = MasterKey::generate().sealer("test");
        let sealed = sealer.seal(b"row 1", b"plain");
        assert_eq!(sealer.open(b"row 1", &sealed).unwrap(), b"plain");
        assert!(sealer.open(b"row 2", &sealed).is_err());
        assert!(MasterKey::generate().sealer("test").open(b"row 1", &sealed).is_err());
        assert!(sealer.open(b"row 1", &sealed[..5]).is_err());
    }

    #[test]
    fn a_keyed_hash_tells_texts_keys_and_kinds_apart() {
        let (one, other) =
            (MasterKey::generate().keyed_hash("test"), MasterKey::generate().keyed_hash("test"));
        assert_eq!(one.of("kind", "text"), one.of("kind", "text"));
        let all = [
            one.of("kind", "text"),
            one.of("kind", "texts"),
            one.of("kin", "dtext"),
            other.of("kind", "text"),
        ];
        assert_eq!(std::collections::BTreeSet::from(all).len(), 4);
    }

    #[test]
    fn what_is_sealed_for_a_tenant_opens_for_no_other() {
        let sealers = MasterKey::generate().tenant_sealers();
        let sealed = sealers.of("acc_1").seal(b"row", b"plain");
        assert_eq!(sealers.of("acc_1").open(b"row", &sealed).unwrap(), b"plain");
        assert!(sealers.of("acc_2").open(b"row", &sealed).is_err());
    }
}
