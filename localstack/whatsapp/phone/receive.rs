//! What a phone receives.

use wacore_binary::{Jid, Node, Server};

use super::{content, retry, seal, send::keep};
use crate::whatsapp::{
    address::{Address, digits},
    error::SandboxError,
    node::{NodeExt, node},
    proto::Content,
    receipts,
    state::{
        Tx,
        rows::{MessageRow, Status},
    },
};

/// Where a message comes from.
struct Origin {
    sender: Address,
    /// The group it came through.
    group: Option<Jid>,
}

/// A message: it is opened, shown and receipted; when it does not open, the sender is asked to
/// send it again.
pub fn message(tx: &mut Tx<'_>, number: &str, stanza: &Node) {
    let Some(origin) = origin(tx, stanza) else { return };
    let mut failure = None;
    let mut opened = Vec::new();
    for enc in stanza.nodes().iter().filter(|child| child.tag == "enc") {
        match open(tx, number, &origin, enc) {
            Ok(content) => opened.push(content),
            Err(error) => failure = Some(error),
        }
    }
    if let Some(error) = failure {
        tracing::debug!(number, from = %origin.sender, %error, "a phone cannot open a message");
        return retry::ask(tx, number, &origin.sender, origin.group.as_ref(), stanza);
    }
    if let Some(account) = tx.world.accounts.get_mut(number) {
        account.phone.retries.remove(&(stanza.text("id"), origin.sender.clone()));
    }
    for (content, encoded) in opened {
        show(tx, number, &origin, stanza, content, encoded);
    }
    confirm(tx, number, &origin, stanza);
}

fn origin(tx: &Tx<'_>, stanza: &Node) -> Option<Origin> {
    let from = stanza.jid("from")?;
    if from.server == Server::Group {
        let sender = tx.world.resolve(&stanza.jid("participant")?)?;
        return Some(Origin { sender, group: Some(from) });
    }
    Some(Origin { sender: tx.world.resolve(&from)?, group: None })
}

fn open(
    tx: &mut Tx<'_>,
    number: &str,
    origin: &Origin,
    enc: &Node,
) -> Result<(Content, Vec<u8>), SandboxError> {
    let sealed = enc.content_bytes();
    let kind = enc.text("type");
    let padded = match (&origin.group, kind.as_str()) {
        (Some(group), "skmsg") => seal::open_group(tx, number, &group.to_string(), &origin.sender, &sealed)?,
        _ => seal::open(tx, number, &origin.sender, &kind, &sealed)?,
    };
    let (content, encoded) =
        content::unpad(&padded).ok_or(SandboxError::Protocol("a message has no sense in it"))?;
    if let Some(key) = &content.sender_key {
        let group = key.group_id.clone().unwrap_or_default();
        let distribution = key.axolotl.as_deref().unwrap_or_default();
        seal::take_sender_key(tx, number, &group, &origin.sender, distribution)?;
    }
    Ok((content, encoded))
}

fn show(tx: &mut Tx<'_>, number: &str, origin: &Origin, stanza: &Node, content: Content, encoded: Vec<u8>) {
    let outgoing = origin.sender.number == number;
    let (content, destination) = match content.device_sent {
        Some(copy) if outgoing => (copy.message.unwrap_or_default(), copy.destination_jid),
        _ => (content, None),
    };
    let Some((kind, body)) = content::kind_and_body(&content) else { return };
    let to = match (&origin.group, destination) {
        (Some(group), _) => group.to_string(),
        (None, Some(destination)) => number_of(tx, &destination),
        (None, None) => number.to_owned(),
    };
    let from_lid = tx.world.accounts.get(&origin.sender.number).map(|account| account.row.lid.clone());
    let row = MessageRow {
        id: stanza.text("id"),
        outgoing,
        from: origin.sender.number.clone(),
        from_device: u32::from(origin.sender.device),
        from_lid: from_lid.unwrap_or_default(),
        to,
        kind: kind.to_owned(),
        body,
        timestamp: tx.now.unix_millis(),
        status: if outgoing { Status::Sent } else { Status::Delivered }.into(),
        copies: 1,
        content: encoded,
    };
    keep(tx, number, row);
}

/// The number behind a JID in a copy of an own message, or the JID itself when it is a group's.
fn number_of(tx: &Tx<'_>, jid: &str) -> String {
    let resolved = jid.parse::<Jid>().ok().and_then(|jid| tx.world.resolve(&jid));
    resolved.map(|at| at.number).or_else(|| digits(jid)).unwrap_or_else(|| jid.to_owned())
}

/// The receipt that a phone sends by itself.
fn confirm(tx: &mut Tx<'_>, number: &str, origin: &Origin, stanza: &Node) {
    let mut receipt = node("receipt").attr("id", stanza.text("id")).attr("t", tx.seconds());
    let from = stanza.raw("from").unwrap_or_default();
    receipt = receipt.attr("to", from);
    if let Some(participant) = stanza.raw("participant") {
        receipt = receipt.attr("participant", participant);
    }
    if origin.sender.number == number {
        let is_peer = stanza.text("category") == "peer";
        receipt = receipt.attr("type", if is_peer { "peer_msg" } else { "sender" });
        if let Some(recipient) = stanza.raw("recipient") {
            receipt = receipt.attr("recipient", recipient);
        }
    }
    receipts::route(tx, &Address::new(number, 0), &receipt.build());
}

/// A receipt: the phone's messages move on. Own companions tell what they read.
pub fn receipt(tx: &mut Tx<'_>, number: &str, stanza: &Node) {
    let (status, incoming) = match stanza.text("type").as_str() {
        "" | "inactive" => (Status::Delivered, false),
        "read" | "played" => (Status::Read, false),
        "read-self" => (Status::Read, true),
        _ => return,
    };
    for id in receipts::ids(stanza) {
        advance(tx, number, &id, status, !incoming);
    }
}

/// Moves a message forward, never back. Whether it was there and of that direction.
fn advance(tx: &mut Tx<'_>, number: &str, id: &str, status: Status, outgoing: bool) -> bool {
    let Some(account) = tx.world.accounts.get_mut(number) else { return false };
    let Some(position) = account.phone.positions.get(id).copied() else { return false };
    let message = &mut account.phone.messages[position];
    if message.outgoing != outgoing {
        return false;
    }
    if message.status() < status {
        message.set_status(status);
        tx.save_message(number, position);
    }
    true
}

/// Blue ticks: the phone's owner has read these. Returns the ids that it did not receive; when
/// there are any, nothing is done.
pub fn mark_read(tx: &mut Tx<'_>, number: &str, ids: &[String]) -> Vec<String> {
    let Some(account) = tx.world.accounts.get(number) else { return ids.to_vec() };
    let find = |id: &String| {
        let position = account.phone.positions.get(id)?;
        account.phone.messages.get(*position).filter(|message| !message.outgoing)
    };
    let unknown: Vec<String> = ids.iter().filter(|id| find(id).is_none()).cloned().collect();
    if !unknown.is_empty() {
        return unknown;
    }
    let read: Vec<MessageRow> = ids.iter().filter_map(find).cloned().collect();
    for message in read {
        advance(tx, number, &message.id, Status::Read, false);
        let Some(receipt) = read_receipt(tx, &message) else { continue };
        receipts::route(tx, &Address::new(number, 0), &receipt);
    }
    Vec::new()
}

fn read_receipt(tx: &Tx<'_>, message: &MessageRow) -> Option<Node> {
    let sender = tx.world.accounts.get(&message.from)?;
    let device = u16::try_from(message.from_device).ok()?;
    let jid = sender.jid(device, sender.addressing());
    let receipt =
        node("receipt").attr("id", message.id.as_str()).attr("type", "read").attr("t", tx.seconds());
    let receipt = if message.to.ends_with("@g.us") {
        receipt.attr("to", message.to.as_str()).attr("participant", jid)
    } else {
        receipt.attr("to", jid)
    };
    Some(receipt.build())
}

/// Tells somebody of a message that this phone never got: as whoever talks to it, or as somebody in a group.
pub fn forge_receipt(tx: &mut Tx<'_>, number: &str, to: &str, group: Option<&str>, id: &str, kind: &str) {
    let Some(victim) = tx.world.accounts.get(to) else { return };
    let jid = victim.jid(0, victim.addressing());
    let receipt = node("receipt").attr("id", id).attr("t", tx.seconds());
    let receipt = if kind.is_empty() { receipt } else { receipt.attr("type", kind) };
    let receipt = match group {
        Some(group) => receipt.attr("to", group).attr("participant", jid),
        None => receipt.attr("to", jid),
    };
    receipts::route(tx, &Address::new(number, 0), &receipt.build());
}
