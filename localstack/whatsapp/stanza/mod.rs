//! Stanzas of clients: each goes to the file of its family.

mod account;
pub mod encrypt;
mod groups;
mod usync;

use std::time::Duration;

use wacore_binary::Node;

use super::{
    Sandbox,
    address::Address,
    messages,
    node::{NodeExt, error, node, result},
    pairing, queue, receipts,
    state::{ConnectionId, Tx},
};

/// A stanza of a client.
pub fn handle(sandbox: &Sandbox, connection: ConnectionId, stanza: Node) {
    tracing::trace!(connection, ?stanza, "from a client");
    sandbox.apply(|tx| {
        // A connection that the server has closed may still have sent something.
        let Some(entry) = tx.world.connections.get(&connection) else { return late(tx, connection, &stanza) };
        match entry.client.clone() {
            Some(client) => from_client(tx, connection, &client, &stanza),
            None => from_stranger(tx, connection, &stanza),
        }
    });
}

/// From a connection that has been closed: it counts when another has taken its place.
fn late(tx: &mut Tx<'_>, connection: ConnectionId, stanza: &Node) {
    let message = (stanza.tag == "message").then(|| stanza.text("id"));
    let is_message = message.is_some();
    if tx.world.sockets.after_the_end(connection, message) {
        tx.world.stats.late_stanzas += 1;
        tx.world.stats.late_messages += u64::from(is_message);
    }
}

/// From a client that waits to be linked.
fn from_stranger(tx: &mut Tx<'_>, connection: ConnectionId, stanza: &Node) {
    if stanza.tag != "iq" {
        return;
    }
    match (stanza.text("type").as_str(), stanza.text("xmlns").as_str()) {
        ("result" | "error", _) => pairing::handle_answer(tx, connection, stanza),
        (_, "md") => pairing::code::handle_request(tx, connection, stanza),
        _ => tx.send(connection, result(stanza, [])),
    }
}

fn from_client(tx: &mut Tx<'_>, connection: ConnectionId, client: &Address, stanza: &Node) {
    match stanza.tag.as_ref() {
        "iq" => match stanza.text("type").as_str() {
            "result" | "error" => {}
            _ => request(tx, connection, client, stanza),
        },
        "message" => messages::from_client(tx, connection, client, stanza),
        "receipt" => receipts::from_client(tx, connection, client, stanza),
        "ack" => queue::handle_ack(tx, client, stanza),
        "chatstate" => forward_chatstate(tx, client, stanza),
        "call" => acknowledge_call(tx, connection, stanza),
        "presence" | "ib" => {}
        tag => unhandled(tx, tag.to_owned()),
    }
}

/// A request and its answer. Clients drop a connection on which they wait in vain, so a request that is not
/// understood is answered as well: with an error, since an empty result would be taken for success.
fn request(tx: &mut Tx<'_>, connection: ConnectionId, client: &Address, iq: &Node) {
    let is_set = iq.text("type") == "set";
    let answer = match iq.text("xmlns").as_str() {
        "encrypt" => encrypt::answer(tx, client, iq, is_set),
        "usync" => usync::answer(tx, client, iq),
        "w:g2" => groups::answer(tx, client, iq),
        // What follows an answer must not overtake it, so these two send for themselves.
        "passive" => return account::passive(tx, connection, client, iq),
        "md" => return account::devices(tx, connection, client, iq),
        namespace => account::answer(tx, client, iq, namespace, is_set),
    };
    let answer = answer.unwrap_or_else(|| {
        let child = iq.nodes().first().map(|child| child.tag.to_string()).unwrap_or_default();
        unhandled(tx, format!("iq {} {} {child}", iq.text("xmlns"), iq.text("type")));
        error(iq, 501, "feature-not-implemented")
    });
    reply(tx, connection, client, answer);
}

fn reply(tx: &mut Tx<'_>, connection: ConnectionId, client: &Address, answer: Node) {
    match tx.world.faults.for_answer(&client.number) {
        Some(delay_ms) => tx.send_later(connection, answer, Duration::from_millis(delay_ms)),
        None => tx.send(connection, answer),
    }
}

fn unhandled(tx: &mut Tx<'_>, kind: String) {
    tracing::debug!(kind, "a stanza that the sandbox does not know");
    tx.world.stats.unhandled.insert(kind);
}

/// Nobody here can be called; a client hears that the server has its stanza.
fn acknowledge_call(tx: &mut Tx<'_>, connection: ConnectionId, call: &Node) {
    let ack = node("ack")
        .attr("class", "call")
        .attr("id", call.text("id"))
        .attr("from", call.raw("to").unwrap_or_default())
        .attr("t", tx.seconds());
    let kind = call.nodes().first().map(|child| child.tag.to_string());
    let ack = if let Some(kind) = kind { ack.attr("type", kind) } else { ack };
    tx.send(connection, ack.build());
}

/// "Typing…" goes to the devices of the other side that are there; it is never kept.
fn forward_chatstate(tx: &mut Tx<'_>, client: &Address, stanza: &Node) {
    let Some(to) = stanza.jid("to") else { return };
    let Some(receiver) = tx.world.account_of(&to) else { return };
    let online: Vec<ConnectionId> = receiver
        .companions
        .values()
        .filter(|companion| companion.active)
        .filter_map(|companion| companion.online)
        .collect();
    let addressing = super::address::Addressing::of(&to);
    let Some(from) = tx.world.jid(client, addressing) else { return };
    for connection in online {
        let state = node("chatstate").attr("from", from.to_non_ad());
        tx.send(connection, state.children(stanza.nodes().iter().cloned()).build());
    }
}
