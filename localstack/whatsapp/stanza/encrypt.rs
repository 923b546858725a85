//! `encrypt`: the keys with which others start a Signal session with a device.

use sha1::{Digest, Sha1};
use wacore_binary::Node;

use crate::whatsapp::{
    address::Address,
    bundle::{key_node, one_time_key, signed_key, skey_node, type_node},
    crypto,
    node::{NodeExt, be3, bytes, error, node, result},
    phone,
    state::{Tx, rows::SignedKey},
};

/// More one-time keys than this a client cannot leave with the server.
const MAX_POOL: usize = 2_000;
/// At most this many devices' keys are handed out in one request.
const MAX_USERS: usize = 1_000;

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
        type_node(),
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
    let Some(bundle) = at.and_then(|at| phone::take_bundle(tx, &at).ok()) else {
        let refusal = node("error").attr("code", 404).attr("text", "item-not-found").build();
        return answer.children([refusal]).build();
    };
    let mut children = vec![
        bytes("registration", bundle.registration_id),
        type_node(),
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
