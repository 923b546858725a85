//! `encrypt`: the keys with which others start a Signal session with a device.

use sha1::{Digest, Sha1};
use wacore_binary::Node;

use crate::whatsapp::{
    address::Address,
    crypto,
    error::SandboxError,
    node::{NodeExt, be_number, be3, bytes, error, node, result},
    notifications, phone,
    state::{Tx, rows::SignedKey},
};

/// The kind of key, as everywhere in the protocol: Curve25519.
const KEY_TYPE: u8 = 5;
/// More one-time keys than this a client cannot leave with the server.
const MAX_POOL: usize = 2_000;
/// At most this many devices' keys are handed out in one request.
const MAX_USERS: usize = 1_000;

/// What a session with a device is started from. All keys are 32 bytes.
pub struct Bundle {
    pub registration_id: Vec<u8>,
    pub identity: Vec<u8>,
    pub skey: SignedKey,
    pub one_time: Option<(u32, Vec<u8>)>,
    /// The identity certificate; phones need none.
    pub device_identity: Option<Vec<u8>>,
}

pub fn answer(tx: &mut Tx<'_>, client: &Address, iq: &Node, is_set: bool) -> Option<Node> {
    let child = iq.nodes().first()?;
    if is_set {
        return match child.tag.as_ref() {
            "rotate" => Some(rotate(tx, client, iq, child)),
            _ if iq.child("list").is_some() => Some(upload(tx, client, iq)),
            _ => None,
        };
    }
    match child.tag.as_ref() {
        "count" => {
            let count = tx.world.companion(client).map_or(0, |companion| companion.pool.len());
            Some(result(iq, [node("count").attr("value", count).build()]))
        }
        "digest" => Some(digest(tx, client, iq)),
        "key" => Some(bundles(tx, iq, child)),
        _ => None,
    }
}

/// New one-time keys, beside the identity and the signed key that go with them.
fn upload(tx: &mut Tx<'_>, client: &Address, iq: &Node) -> Node {
    let keys: Vec<(u32, Vec<u8>)> =
        iq.child("list").map(NodeExt::nodes).unwrap_or_default().iter().filter_map(one_time_key).collect();
    let skey = iq.child("skey").and_then(signed_key);
    let Some(companion) = tx.world.companion_mut(client) else { return error(iq, 404, "item-not-found") };
    if let Some(skey) = skey {
        if !is_signed(&skey, &companion.row.identity) {
            return error(iq, 406, "not-acceptable");
        }
        companion.row.skey = skey;
    }
    companion.pool.retain(|(id, _)| !keys.iter().any(|(new, _)| new == id));
    companion.pool.extend(keys);
    let excess = companion.pool.len().saturating_sub(MAX_POOL);
    companion.pool.drain(..excess);
    companion.told_low = false;
    tx.save_companion(client);
    tx.save_key_pool(client);
    result(iq, [])
}

fn rotate(tx: &mut Tx<'_>, client: &Address, iq: &Node, rotate: &Node) -> Node {
    let skey = rotate.child("skey").and_then(signed_key);
    let Some(companion) = tx.world.companion_mut(client) else { return error(iq, 404, "item-not-found") };
    match skey {
        Some(skey) if is_signed(&skey, &companion.row.identity) => {
            companion.row.skey = skey;
            tx.save_companion(client);
            result(iq, [])
        }
        _ => error(iq, 406, "not-acceptable"),
    }
}

fn one_time_key(key: &Node) -> Option<(u32, Vec<u8>)> {
    let value = key.child_bytes("value").filter(|value| value.len() == 32)?;
    Some((be_number(&key.child_bytes("id")?), value))
}

/// Reads an `<skey>`.
pub fn signed_key(skey: &Node) -> Option<SignedKey> {
    let (id, value) = one_time_key(skey)?;
    Some(SignedKey { id, value, signature: skey.child_bytes("signature")? })
}

fn is_signed(skey: &SignedKey, identity: &[u8]) -> bool {
    let keys =
        crypto::public_key(identity).and_then(|identity| Ok((identity, crypto::public_key(&skey.value)?)));
    keys.is_ok_and(|(identity, value)| crypto::verifies(&identity, &[&value.serialize()], &skey.signature))
}

/// What the server holds of a client's keys, and a hash to compare with what the client holds.
fn digest(tx: &Tx<'_>, client: &Address, iq: &Node) -> Node {
    let Some(companion) = tx.world.companion(client) else { return error(iq, 404, "item-not-found") };
    if companion.pool.is_empty() {
        return error(iq, 404, "item-not-found");
    }
    let row = &companion.row;
    let mut hash = Sha1::new();
    for part in [&row.identity, &row.skey.value, &row.skey.signature] {
        hash.update(part);
    }
    companion.pool.iter().for_each(|(_, value)| hash.update(value));
    let ids: Vec<Node> = companion.pool.iter().map(|(id, _)| bytes("id", be3(*id))).collect();
    let children = [
        bytes("registration", row.registration_id.clone()),
        bytes("type", [KEY_TYPE]),
        bytes("identity", row.identity.clone()),
        skey_node(&row.skey),
        node("list").children(ids).build(),
        bytes("hash", hash.finalize().to_vec()),
    ];
    result(iq, [node("digest").children(children).build()])
}

fn bundles(tx: &mut Tx<'_>, iq: &Node, key: &Node) -> Node {
    let users: Vec<Node> = key.nodes().iter().take(MAX_USERS).map(|user| bundle_node(tx, user)).collect();
    result(iq, [node("list").children(users).build()])
}

/// The keys of one device under the JID it was asked for by: both names lead to the same keys.
fn bundle_node(tx: &mut Tx<'_>, user: &Node) -> Node {
    let answer = node("user").attr("jid", user.raw("jid").unwrap_or_default());
    let at = user.jid("jid").and_then(|jid| tx.world.resolve(&jid));
    let Some(bundle) = at.and_then(|at| take_bundle(tx, &at).ok()) else {
        let refusal = node("error").attr("code", 404).attr("text", "item-not-found").build();
        return answer.children([refusal]).build();
    };
    let mut children = vec![
        bytes("registration", bundle.registration_id),
        bytes("type", [KEY_TYPE]),
        bytes("identity", bundle.identity),
        skey_node(&bundle.skey),
    ];
    if let Some((id, value)) = bundle.one_time {
        children.push(key_node(id, value));
    }
    if let Some(certificate) = bundle.device_identity {
        children.push(bytes("device-identity", certificate));
    }
    answer.attr("t", tx.seconds()).children(children).build()
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

/// Takes the keys for a new session with a device. Each one-time key is given out once; when none
/// is left the session starts without.
pub fn take_bundle(tx: &mut Tx<'_>, at: &Address) -> Result<Bundle, SandboxError> {
    if at.is_phone() {
        return phone::offer_bundle(tx, &at.number);
    }
    let companion = tx.world.companion_mut(at).ok_or(SandboxError::Protocol("no such device"))?;
    let one_time = companion.pool.pop_front();
    let bundle = Bundle {
        registration_id: companion.row.registration_id.clone(),
        identity: companion.row.identity.clone(),
        skey: companion.row.skey.clone(),
        one_time,
        device_identity: Some(companion.row.device_identity.clone()),
    };
    if bundle.one_time.is_some() {
        tx.save_key_pool(at);
        notifications::check_key_pool(tx, at);
    }
    Ok(bundle)
}

/// `<type>` of a bundle in a retry receipt.
pub fn type_node() -> Node {
    bytes("type", [KEY_TYPE])
}
