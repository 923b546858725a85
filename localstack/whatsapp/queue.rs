//! Stanzas that a client has to acknowledge: kept on disk until it does, sent again when it comes
//! back.

use wacore_binary::{Node, marshal::unmarshal_ref, util::unpack};

use super::{
    address::Address,
    node::{NodeExt, node, server_jid},
    state::{
        ConnectionId, Tx,
        rows::{QueuedRow, keys},
    },
};

/// Hands a stanza to a device: a phone gets it at the end of the change, a client now if it is
/// ready and else when it comes back.
pub fn deliver(tx: &mut Tx<'_>, to: &Address, stanza: Node) {
    if to.is_phone() {
        return tx.phone_inbox.push_back((to.number.clone(), stanza));
    }
    let seq = tx.world.next();
    let Some(companion) = tx.world.companion_mut(to) else { return };
    let Ok(encoded) = wacore_binary::marshal(&stanza) else {
        tracing::error!(tag = %stanza.tag, "a stanza does not encode");
        return;
    };
    let row = QueuedRow { class: stanza.tag.to_string(), id: stanza.text("id"), node: encoded };
    let ready = companion.online.filter(|_| companion.active);
    companion.queue.insert(seq, row.clone());
    tx.put(keys::queued(to, seq), &row);
    if let Some(connection) = ready {
        tx.send(connection, stanza);
    }
}

/// The client is ready: says what was kept, sends all of it, and says when that is over.
pub fn release(tx: &mut Tx<'_>, connection: ConnectionId, client: &Address) {
    let Some(companion) = tx.world.companion_mut(client) else { return };
    companion.active = true;
    let kept: Vec<Vec<u8>> = companion.queue.values().map(|row| row.node.clone()).collect();
    let of_class = |class: &str| companion.queue.values().filter(|row| row.class == class).count();
    let preview = node("offline_preview")
        .attr("count", kept.len())
        .attr("message", of_class("message"))
        .attr("receipt", of_class("receipt"))
        .attr("notification", of_class("notification"))
        .attr("appdata", 0)
        .build();
    tx.send(connection, node("ib").attr("from", server_jid()).children([preview]).build());
    let mut count = 0;
    for encoded in kept {
        let Ok(stanza) = decode(&encoded) else { continue };
        let mut stanza = stanza;
        stanza.attrs.insert("offline", count.to_string());
        count += 1;
        tx.send(connection, stanza);
    }
    let offline = node("offline").attr("count", count).build();
    tx.send(connection, node("ib").attr("from", server_jid()).children([offline]).build());
}

fn decode(encoded: &[u8]) -> wacore_binary::Result<Node> {
    Ok(unmarshal_ref(&unpack(encoded)?)?.to_owned())
}

/// The client has taken a stanza of this class and id. When several wait under one id, as receipts
/// of several devices do, the oldest is taken to be meant.
pub fn acknowledged(tx: &mut Tx<'_>, client: &Address, class: &str, id: &str) {
    let Some(companion) = tx.world.companion_mut(client) else { return };
    let oldest = companion.queue.iter().find(|(_, row)| row.class == class && row.id == id);
    let Some(seq) = oldest.map(|(seq, _)| *seq) else { return };
    companion.queue.remove(&seq);
    tx.delete(keys::queued(client, seq));
}

/// An `<ack>` of the client's.
pub fn handle_ack(tx: &mut Tx<'_>, client: &Address, ack: &Node) {
    if ack.child("error").is_some() || !ack.text("error").is_empty() {
        tracing::debug!(%client, class = ack.text("class"), error = ack.text("error"), "a client refused a stanza");
    }
    acknowledged(tx, client, &ack.text("class"), &ack.text("id"));
}
