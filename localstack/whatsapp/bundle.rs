//! The keys from which others start a Signal session with a device, as stanzas carry them.

use wacore_binary::Node;

use super::{
    node::{NodeExt, be_number, be3, bytes, node},
    state::rows::SignedKey,
};

/// The kind of key, as everywhere in the protocol: Curve25519.
const KEY_TYPE: u8 = 5;

/// What a session with a device is started from. All keys are 32 bytes.
pub struct Bundle {
    pub registration_id: Vec<u8>,
    pub identity: Vec<u8>,
    pub skey: SignedKey,
    pub one_time: Option<(u32, Vec<u8>)>,
    /// The identity certificate; phones need none.
    pub device_identity: Option<Vec<u8>>,
}

/// Reads a `<key>`, a one-time key.
pub fn one_time_key(key: &Node) -> Option<(u32, Vec<u8>)> {
    let value = key.child_bytes("value").filter(|value| value.len() == 32)?;
    Some((be_number(&key.child_bytes("id")?), value))
}

/// Reads an `<skey>`.
pub fn signed_key(skey: &Node) -> Option<SignedKey> {
    let (id, value) = one_time_key(skey)?;
    Some(SignedKey { id, value, signature: skey.child_bytes("signature")? })
}

/// `<skey>`, as in bundles, digests and retry receipts.
pub fn skey_node(skey: &SignedKey) -> Node {
    node("skey")
        .children([
            bytes("id", be3(skey.id)),
            bytes("value", skey.value.clone()),
            bytes("signature", skey.signature.clone()),
        ])
        .build()
}

/// `<key>`, a one-time key.
pub fn key_node(id: u32, value: Vec<u8>) -> Node {
    node("key").children([bytes("id", be3(id)), bytes("value", value)]).build()
}

/// `<type>` of a bundle.
pub fn type_node() -> Node {
    bytes("type", [KEY_TYPE])
}
