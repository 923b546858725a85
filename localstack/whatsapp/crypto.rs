//! Keys and small derivations, in the shapes that the wire wants.

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use rand::rngs::StdRng;
use sha2::Sha256;
use wacore_libsignal::protocol::{KeyPair, PrivateKey, PublicKey};

use super::error::SandboxError;

/// A generator for keys and signatures, seeded from the operating system.
pub fn rng() -> StdRng {
    rand::make_rng()
}

/// `N` random bytes.
pub fn random<const N: usize>() -> [u8; N] {
    rand::random()
}

/// A new Curve25519 key pair.
pub fn generate_pair() -> KeyPair {
    KeyPair::generate(&mut rng())
}

/// The pair of a stored private key of 32 bytes.
pub fn pair_from_private(private: &[u8]) -> Result<KeyPair, SandboxError> {
    Ok(KeyPair::try_from(PrivateKey::deserialize(private)?)?)
}

/// A public key as it travels: 32 bytes, or 33 with the type byte 05 before them.
pub fn public_key(bytes: &[u8]) -> Result<PublicKey, SandboxError> {
    match bytes.len() {
        33 => Ok(PublicKey::deserialize(bytes)?),
        _ => Ok(PublicKey::from_djb_public_key_bytes(bytes)?),
    }
}

/// XEdDSA over the concatenation of `parts`.
pub fn sign(private: &PrivateKey, parts: &[&[u8]]) -> Result<Vec<u8>, SandboxError> {
    Ok(private.calculate_signature(&parts.concat(), &mut rng())?.to_vec())
}

/// Whether `signature` is the XEdDSA signature of `key` over the concatenation of `parts`.
pub fn verifies(key: &PublicKey, parts: &[&[u8]], signature: &[u8]) -> bool {
    key.verify_signature(&parts.concat(), signature)
}

/// HMAC-SHA256.
pub fn hmac_sha256(key: &[u8], data: &[u8]) -> Vec<u8> {
    // HMAC takes keys of any length, so this never fails; an empty answer would fail every check.
    Hmac::<Sha256>::new_from_slice(key)
        .map(|mac| mac.chain_update(data).finalize().into_bytes().to_vec())
        .unwrap_or_default()
}

/// 32 bytes of HKDF-SHA256.
pub fn hkdf_sha256(secret: &[u8], salt: Option<&[u8]>, info: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    // 32 bytes are within HKDF's limit of 255 blocks, so expansion cannot fail.
    let _ = Hkdf::<Sha256>::new(salt, secret).expand(info, &mut out);
    out
}
