//! Messages: who gets which part, and the acknowledgement.

use std::time::Duration;

use wacore_binary::{Jid, Node, NodeValue, Server};

use super::{
    address::{Address, Addressing},
    device_list,
    faults::{DropMoment, Fault},
    node::{NodeExt, node},
    queue,
    state::{ConnectionId, Tx},
};

/// A message stanza of a client.
pub fn from_client(tx: &mut Tx<'_>, connection: ConnectionId, client: &Address, message: &Node) {
    tx.world.sockets.message(connection, &message.text("id"));
    let fault = tx.world.faults.for_message(&client.number);
    let refused = match fault {
        Some(Fault::DropSockets { when: DropMoment::BeforeMessage }) => return tx.cut(connection),
        Some(Fault::Nack { code }) => Some(code),
        Some(Fault::RateLimit { .. }) => Some(429),
        _ => route(tx, client, message).err(),
    };
    let ack = acknowledgement(tx, client, message, refused);
    match fault {
        Some(Fault::DropSockets { .. }) => tx.cut(connection),
        Some(Fault::WithholdAcks) => {}
        Some(Fault::DelayAcks { delay_ms }) => {
            tx.send_later(connection, ack, Duration::from_millis(delay_ms));
        }
        _ => tx.send(connection, ack),
    }
}

fn acknowledgement(tx: &Tx<'_>, sender: &Address, message: &Node, refused: Option<u16>) -> Node {
    let ack = node("ack")
        .attr("class", "message")
        .attr("id", message.text("id"))
        .attr("from", message.raw("to").unwrap_or_default())
        .attr("t", tx.seconds());
    let ack = match message.raw("participant") {
        Some(participant) => ack.attr("participant", participant),
        None => ack,
    };
    match refused {
        Some(code) => ack.attr("error", code).build(),
        None => match device_list::drift(tx, sender, message) {
            Some(present) => ack.attr("phash", present).build(),
            None => ack.build(),
        },
    }
}

/// Hands a message of a client or a phone to everyone it is for. The error is the code with which
/// the sender's message is refused.
pub fn route(tx: &mut Tx<'_>, sender: &Address, message: &Node) -> Result<(), u16> {
    let to = message.jid("to").ok_or(400_u16)?;
    if message.text("id").is_empty() {
        return Err(400);
    }
    tx.world.stats.messages += 1;
    match to.server {
        Server::Group => to_group(tx, sender, &to, message),
        Server::Pn | Server::Lid => to_person(tx, sender, &to, message),
        // Status and newsletters have no audience here.
        _ => Ok(()),
    }
}

fn to_person(tx: &mut Tx<'_>, sender: &Address, to: &Jid, message: &Node) -> Result<(), u16> {
    let receiver = tx.world.resolve(to).ok_or(404_u16)?;
    if !tx.world.accounts.contains_key(&receiver.number) {
        return Err(404);
    }
    // One that is sent to an own device again says to whom it went.
    let recipient = message.jid("recipient").unwrap_or_else(|| to.clone());
    tx.world.chats.remember(&sender.number, &message.text("id"), Addressing::of(&recipient));
    for (device, sealed) in parts(tx, message, &receiver) {
        let for_own = device.number == sender.number;
        if device == *sender || !(for_own || device.number == receiver.number) {
            continue;
        }
        let is_peer = message.text("category") == "peer";
        let attrs =
            if for_own && !is_peer { own_attrs(tx, sender, &recipient) } else { stranger_attrs(tx, sender) };
        let delivery = delivery(tx, sender, message, attrs, sealed);
        queue::deliver(tx, &device, delivery);
    }
    Ok(())
}

fn to_group(tx: &mut Tx<'_>, sender: &Address, to: &Jid, message: &Node) -> Result<(), u16> {
    let group = tx.world.groups.get(to.user.as_str()).ok_or(404_u16)?;
    if !group.members.contains(&sender.number) {
        return Err(403);
    }
    let members = group.members.clone();
    let attrs = member_attrs(tx, sender, to);
    let retry_of = message.jid("participant").and_then(|jid| tx.world.resolve(&jid));
    let mut keys: Vec<(Address, Vec<Node>)> = parts(tx, message, &Address::new("", 0));
    let shared: Vec<Node> =
        message.nodes().iter().filter(|child| child.tag == "enc" && is_shared(child)).cloned().collect();
    let own: Vec<Node> =
        message.nodes().iter().filter(|child| child.tag == "enc" && !is_shared(child)).cloned().collect();
    for number in members {
        let Some(account) = tx.world.accounts.get(&number) else { continue };
        let devices: Vec<Address> = account.devices().collect();
        for device in devices {
            if device == *sender || retry_of.as_ref().is_some_and(|only| *only != device) {
                continue;
            }
            // The key to the shared text comes before the text.
            let at = keys.iter().position(|(to, _)| *to == device);
            let mut sealed = at.map(|at| keys.swap_remove(at).1).unwrap_or_default();
            sealed.extend(own.iter().cloned());
            sealed.extend(shared.iter().cloned());
            if !sealed.is_empty() {
                let delivery = delivery(tx, sender, message, attrs.clone(), sealed);
                queue::deliver(tx, &device, delivery);
            }
        }
    }
    Ok(())
}

fn is_shared(enc: &Node) -> bool {
    enc.text("type") == "skmsg"
}

/// The sealed parts of a message and for whom each is: the list of participants, or a part without
/// one, which is for the device in `to` (a message sent again, or one from client to own phone).
fn parts(tx: &Tx<'_>, message: &Node, receiver: &Address) -> Vec<(Address, Vec<Node>)> {
    let sealed = |node: &Node| -> Vec<Node> {
        node.nodes().iter().filter(|child| child.tag == "enc").cloned().collect()
    };
    if let Some(participants) = message.child("participants") {
        let each = participants.nodes().iter();
        return each
            .filter_map(|to| Some((tx.world.resolve(&to.jid("jid")?)?, sealed(to))))
            .filter(|(_, sealed)| !sealed.is_empty())
            .collect();
    }
    let sealed = sealed(message);
    if sealed.is_empty() || receiver.number.is_empty() {
        return Vec::new();
    }
    vec![(receiver.clone(), sealed)]
}

type Attrs = Vec<(&'static str, NodeValue)>;

/// To the other side: from the sender under the name it goes by, with the other name beside it.
fn stranger_attrs(tx: &Tx<'_>, sender: &Address) -> Attrs {
    let Some(account) = tx.world.accounts.get(&sender.number) else { return Vec::new() };
    let (pn, lid) = (account.jid(sender.device, Addressing::Pn), account.jid(sender.device, Addressing::Lid));
    match account.addressing() {
        Addressing::Pn => vec![("from", pn.into()), ("sender_lid", lid.to_non_ad().into())],
        Addressing::Lid => vec![
            ("from", lid.into()),
            ("sender_pn", pn.to_non_ad().into()),
            ("addressing_mode", "lid".into()),
        ],
    }
}

/// To the sender's other devices: from the sender, and to whom, under the name that the sender used.
fn own_attrs(tx: &Tx<'_>, sender: &Address, to: &Jid) -> Attrs {
    let addressing = Addressing::of(to);
    let mut attrs: Attrs = vec![("recipient", to.to_non_ad().into())];
    attrs.extend(tx.world.jid(sender, addressing).map(|from| ("from", from.into())));
    if let Some(receiver) = tx.world.account_of(to) {
        let (key, peer, other) = match addressing {
            Addressing::Pn => ("recipient_lid", "peer_recipient_lid", Addressing::Lid),
            Addressing::Lid => ("recipient_pn", "peer_recipient_pn", Addressing::Pn),
        };
        let jid = receiver.jid(0, other);
        attrs.extend([(key, jid.clone().into()), (peer, jid.into())]);
    }
    attrs
}

/// To the other members of a group. Groups are addressed by LID.
fn member_attrs(tx: &Tx<'_>, sender: &Address, group: &Jid) -> Attrs {
    let Some(account) = tx.world.accounts.get(&sender.number) else { return Vec::new() };
    vec![
        ("from", group.into()),
        ("participant", account.jid(sender.device, Addressing::Lid).into()),
        ("participant_pn", account.jid(sender.device, Addressing::Pn).into()),
        ("addressing_mode", "lid".into()),
    ]
}

/// What of the sender's attributes and children the receiver gets to see.
const PASSED_ATTRS: [&str; 3] = ["category", "edit", "push_priority"];
const PASSED_CHILDREN: [&str; 4] = ["device-identity", "reporting", "meta", "bot"];

fn delivery(tx: &Tx<'_>, sender: &Address, message: &Node, attrs: Attrs, sealed: Vec<Node>) -> Node {
    let kind = message.text("type");
    let name = tx.world.accounts.get(&sender.number).map(|account| account.row.name.clone());
    let mut delivery = node("message")
        .attr("id", message.text("id"))
        .attr("t", tx.seconds())
        .attr("type", if kind.is_empty() { "text" } else { &kind })
        .attr("notify", name.unwrap_or_default())
        .attrs(attrs);
    for key in PASSED_ATTRS {
        if let Some(value) = message.raw(key) {
            delivery = delivery.attr(key, value);
        }
    }
    let passed = message.nodes().iter().filter(|child| PASSED_CHILDREN.contains(&child.tag.as_ref()));
    delivery.children(sealed.into_iter().chain(passed.cloned())).build()
}
