//! What a phone receives.

use prost::Message;
use wacore_binary::{Jid, Node};

use super::{content, origin::Origin, placeholder, retry, seal, send::keep};
use crate::whatsapp::{
    address::{Address, digits},
    error::SandboxError,
    node::{NodeExt, node},
    proto::{Content, Envelope},
    receipts,
    state::{
        Tx,
        rows::{MessageKey, MessageRow, Status},
    },
};

/// A message: it is opened, shown and receipted; when it does not open, the sender is asked to
/// send it again, unless the phone shows it already.
pub fn message(tx: &mut Tx<'_>, number: &str, stanza: &Node) {
    let Some(origin) = Origin::of(tx, number, stanza) else { return };
    let key = origin.message(&stanza.text("id"));
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
        if !count_copy(tx, number, &key) {
            return retry::ask(tx, number, &origin, key, stanza);
        }
    } else {
        if let Some(account) = tx.world.accounts.get_mut(number) {
            account.phone.retries.remove(&(key, origin.sender.device));
        }
        for (content, encoded) in opened {
            placeholder::answer(tx, number, &origin.sender, stanza, &content);
            show(tx, number, &origin, stanza, content, encoded);
        }
    }
    confirm(tx, number, &origin, stanza);
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

/// Counts one more copy of a message that the phone shows. Whether it does.
fn count_copy(tx: &mut Tx<'_>, number: &str, key: &MessageKey) -> bool {
    let Some(account) = tx.world.accounts.get_mut(number) else { return false };
    let Some(position) = account.phone.position(key) else { return false };
    account.phone.messages[position].copies += 1;
    tx.save_message(number, position);
    true
}

fn show(tx: &mut Tx<'_>, number: &str, origin: &Origin, stanza: &Node, content: Content, encoded: Vec<u8>) {
    let outgoing = origin.sender.number == number;
    let (content, encoded, destination) = match content.device_sent {
        Some(copy) if outgoing => {
            let envelope = Envelope::decode(encoded.as_slice()).unwrap_or_default();
            let inner = envelope.device_sent.and_then(|copy| copy.message).unwrap_or_default();
            (copy.message.unwrap_or_default(), inner, copy.destination_jid)
        }
        _ => (content, encoded, None),
    };
    let Some((kind, body)) = content::kind_and_body(&content) else { return };
    let to = match (&origin.group, destination) {
        (Some(group), _) => group.to_string(),
        (None, Some(destination)) => number_of(tx, &destination),
        (None, None) if outgoing => origin.chat.clone(),
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
    if !count_copy(tx, number, &row.key()) {
        keep(tx, number, row);
    }
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
    let Some(origin) = Origin::of(tx, number, stanza) else { return };
    let is_own = origin.sender.number == number;
    let status = match stanza.text("type").as_str() {
        "" | "inactive" if !is_own => Status::Delivered,
        "read" | "played" | "read-self" | "played-self" => Status::Read,
        _ => return,
    };
    let author = if is_own {
        stanza.jid("recipient").and_then(|jid| tx.world.resolve(&jid)).map(|author| author.number)
    } else {
        Some(number.to_owned())
    };
    let Some(author) = author else { return };
    for id in receipts::ids(stanza) {
        let key = MessageKey { chat: origin.chat.clone(), author: author.clone(), id };
        advance(tx, number, &key, status);
    }
}

/// Moves a message forward, never back.
fn advance(tx: &mut Tx<'_>, number: &str, key: &MessageKey, status: Status) {
    let Some(account) = tx.world.accounts.get_mut(number) else { return };
    let Some(position) = account.phone.position(key) else { return };
    let message = &mut account.phone.messages[position];
    if message.status() < status {
        message.set_status(status);
        tx.save_message(number, position);
    }
}

/// Blue ticks: the phone's owner has read these. Returns the ids that it did not receive; when
/// there are any, nothing is done.
pub fn mark_read(tx: &mut Tx<'_>, number: &str, ids: &[String]) -> Vec<String> {
    let Some(account) = tx.world.accounts.get(number) else { return ids.to_vec() };
    let received = |id: &String| -> Vec<MessageRow> {
        let rows = account.phone.with_id(id).map(|at| &account.phone.messages[at]);
        rows.filter(|message| !message.outgoing).cloned().collect()
    };
    let unknown: Vec<String> = ids.iter().filter(|id| received(id).is_empty()).cloned().collect();
    if !unknown.is_empty() {
        return unknown;
    }
    let read: Vec<MessageRow> = ids.iter().flat_map(received).collect();
    for message in read {
        advance(tx, number, &message.key(), Status::Read);
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
    let receipt = if message.is_in_group() {
        // As a JID: an attribute that is plain text names nobody.
        let group: Jid = message.to.parse().ok()?;
        receipt.attr("to", group).attr("participant", jid)
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
