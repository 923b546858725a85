//! Receipts: delivered, read, and requests to send again, on their way back to the sender.

use wacore_binary::{Node, Server};

use super::{
    address::{Address, Addressing},
    node::{NodeExt, node},
    queue,
    state::{ConnectionId, Tx},
};

/// The kinds of receipts that say that a person has seen a message.
const READ: [&str; 4] = ["read", "read-self", "played", "played-self"];

/// The ids a receipt is about: its own, and those of its list.
pub fn ids(receipt: &Node) -> Vec<String> {
    let listed = receipt.child("list").map(NodeExt::nodes).unwrap_or_default();
    std::iter::once(receipt.text("id")).chain(listed.iter().map(|item| item.text("id"))).collect()
}

/// A receipt of a client: its message is taken off the queue, and the receipt goes on.
pub fn from_client(tx: &mut Tx<'_>, connection: ConnectionId, client: &Address, receipt: &Node) {
    for id in ids(receipt) {
        queue::acknowledged(tx, client, "message", &id);
    }
    route(tx, client, receipt);
    let mut ack = node("ack")
        .attr("class", "receipt")
        .attr("id", receipt.text("id"))
        .attr("from", receipt.raw("to").unwrap_or_default())
        .attr("t", tx.seconds());
    for key in ["type", "participant"] {
        if let Some(value) = receipt.raw(key) {
            ack = ack.attr(key, value);
        }
    }
    tx.send(connection, ack.build());
}

/// Passes a receipt on: a request to send again to the one device that sent, the others to all
/// devices of the sender.
pub fn route(tx: &mut Tx<'_>, from: &Address, receipt: &Node) {
    let Some(to) = receipt.jid("to") else { return };
    let kind = receipt.text("type");
    let in_group = to.server == Server::Group;
    let author = if in_group { receipt.jid("participant") } else { Some(to.clone()) };
    let Some(author) = author.and_then(|author| tx.world.resolve(&author)) else { return };
    if READ.contains(&kind.as_str()) && author.number != from.number {
        tell_own_devices(tx, from, &author, receipt);
    }
    let targets: Vec<Address> = match kind.as_str() {
        "read-self" | "played-self" => return,
        "retry" | "sender" | "peer_msg" => vec![author.clone()],
        _ => {
            let account = tx.world.accounts.get(&author.number);
            account.map(|account| account.devices().collect()).unwrap_or_default()
        }
    };
    let addressing = tx.world.chats.addressing(&author.number, &receipt.text("id"));
    let own_way = tx.world.accounts.get(&from.number).map(super::state::Account::addressing);
    let addressing = addressing.or(own_way).unwrap_or_default();
    for target in targets {
        if target == *from {
            continue;
        }
        let mut passed = node("receipt").attr("id", receipt.text("id")).attr("t", tx.seconds());
        if in_group {
            let participant = tx.world.jid(from, Addressing::Lid);
            passed = passed.attr("from", to.clone()).attr("participant", participant.unwrap_or_default());
        } else {
            passed = passed.attr("from", tx.world.jid(from, addressing).unwrap_or_default());
        }
        for key in ["type", "recipient", "category"] {
            if let Some(value) = receipt.raw(key) {
                passed = passed.attr(key, value);
            }
        }
        let passed = match receipt.children() {
            Some(children) => passed.children(children.iter().cloned()).build(),
            None => passed.build(),
        };
        queue::deliver(tx, &target, passed);
    }
}

/// What one device of an account has read, the others show as read. They get the receipt as the account's own; it
/// says whose message it is about.
fn tell_own_devices(tx: &mut Tx<'_>, from: &Address, author: &Address, receipt: &Node) {
    let Some(to) = receipt.jid("to") else { return };
    let in_group = to.server == Server::Group;
    let addressing = if in_group { Addressing::Lid } else { Addressing::of(&to) };
    let own = tx.world.jid(from, addressing).unwrap_or_default();
    let recipient = tx.world.jid(&Address::new(author.number.as_str(), 0), addressing);
    let told = node("receipt")
        .attr("id", receipt.text("id"))
        .attr("type", receipt.text("type"))
        .attr("t", tx.seconds())
        .attr("recipient", recipient.unwrap_or_default());
    let told = if in_group { told.attr("from", to).attr("participant", own) } else { told.attr("from", own) };
    let told = told.children(receipt.nodes().iter().cloned()).build();
    let Some(account) = tx.world.accounts.get(&from.number) else { return };
    let others: Vec<Address> = account.devices().filter(|device| device != from).collect();
    for device in others {
        queue::deliver(tx, &device, told.clone());
    }
}
