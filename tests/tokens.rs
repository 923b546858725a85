//! The gateway's own signing key, for tokens that are forged as well as can be.

use base64::{Engine, engine::general_purpose::STANDARD};
use hkdf::Hkdf;
use sha2::Sha256;

use crate::Gateway;

/// The HS256 key of a gateway: HKDF-SHA256 of the master key in its data folder, as its security page says.
pub fn signing_key(gateway: &Gateway) -> Vec<u8> {
    let text = std::fs::read_to_string(gateway.data_dir().join("master.key")).expect("a master key");
    let master = STANDARD.decode(text.trim()).expect("base64");
    let mut key = vec![0; 32];
    Hkdf::<Sha256>::new(Some(b"kurir"), &master).expand(b"jwt-hs256", &mut key).expect("32 bytes");
    key
}
