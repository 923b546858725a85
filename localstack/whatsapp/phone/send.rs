//! What a phone sends.

use std::collections::BTreeSet;

use prost::Message;
use wacore_binary::{Jid, Node, Server};

use super::{content, seal};
use crate::whatsapp::{
    address::{Address, Addressing, digits},
    crypto, messages,
    node::node,
    proto::{
        APP_STATE_SYNC_KEY_SHARE, Content, DeviceSent, HISTORY_SYNC_NOTIFICATION, HistoryNotification,
        KeyFingerprint, KeyShare, ProtocolContent, SenderKeyDistribution, SharedKey, SharedKeyData,
        SharedKeyId,
    },
    state::{
        Account, Tx,
        rows::{MessageRow, Status},
    },
};

/// Why a phone cannot send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendFailure {
    /// The receiver is neither a number nor the JID of a person or a group.
    BadReceiver,
    /// Nobody has that number or LID.
    UnknownReceiver,
    /// There is no such group, or the phone is not in it.
    NoMember,
    /// A bug: the phone's own keys do not work.
    Sealing,
}

/// Sends a text to a person, given by number or JID, or to a group, under an id of its choice. Returns the message's
/// position.
pub fn send_text(
    tx: &mut Tx<'_>,
    number: &str,
    to: &str,
    body: &str,
    id: Option<String>,
) -> Result<usize, SendFailure> {
    let to = receiver(tx, number, to)?;
    let chat = match tx.world.account_of(&to) {
        Some(account) => account.row.number.clone(),
        None => to.to_string(),
    };
    let content = Content { conversation: Some(body.to_owned()), ..Default::default() };
    let id = id.unwrap_or_else(new_id);
    let row = MessageRow {
        id: id.clone(),
        outgoing: true,
        from: number.to_owned(),
        from_device: 0,
        from_lid: String::new(),
        to: chat.clone(),
        kind: "text".to_owned(),
        body: Some(body.to_owned()),
        timestamp: tx.now.unix_millis(),
        status: Status::Sent.into(),
        copies: 1,
        content: content.encode_to_vec(),
    };
    let position = keep(tx, number, row).ok_or(SendFailure::Sealing)?;
    let parts = if to.server == Server::Group {
        for_group(tx, number, &to, &content)?
    } else {
        for_person(tx, number, &to, &chat, &content)
    };
    let message =
        node("message").attr("to", to).attr("id", id.as_str()).attr("type", "text").children(parts).build();
    messages::route(tx, &Address::new(number, 0), &message).map_err(|_| SendFailure::Sealing)?;
    Ok(position)
}

/// An id in the form that phones give.
fn new_id() -> String {
    format!("3A{}", hex::encode_upper(crypto::random::<9>()))
}

fn receiver(tx: &Tx<'_>, number: &str, to: &str) -> Result<Jid, SendFailure> {
    let jid = match digits(to) {
        Some(number) => Jid::pn(number),
        None => to.parse::<Jid>().map_err(|_| SendFailure::BadReceiver)?.to_non_ad(),
    };
    if jid.server == Server::Group {
        let group = tx.world.groups.get(jid.user.as_str());
        let is_in = group.is_some_and(|group| group.members.iter().any(|member| member == number));
        return if is_in { Ok(jid) } else { Err(SendFailure::NoMember) };
    }
    if !(jid.is_pn() || jid.is_lid()) {
        return Err(SendFailure::BadReceiver);
    }
    tx.world.account_of(&jid).map(|_| jid).ok_or(SendFailure::UnknownReceiver)
}

/// The copy of a message for the sender's own other devices.
pub fn device_sent(to: &Jid, content: &Content) -> Content {
    let copy = DeviceSent { destination_jid: Some(to.to_string()), message: Some(content.clone()) };
    Content { device_sent: Some(Box::new(copy)), ..Default::default() }
}

/// The text sealed for every device of the receiver, and its copy for the sender's own companions.
fn for_person(tx: &mut Tx<'_>, number: &str, to: &Jid, peer: &str, content: &Content) -> Vec<Node> {
    let own = device_sent(to, content).encode_to_vec();
    let content = content.encode_to_vec();
    let numbers = BTreeSet::from([number, peer]);
    let plain = |at: &Address| if at.number == number { own.as_slice() } else { content.as_slice() };
    vec![participants(tx, number, numbers, Addressing::Pn, plain)]
}

/// The text sealed once, and the key to it for every device of every member. Other phones give the key only to who
/// lacks it; the message is the same.
fn for_group(
    tx: &mut Tx<'_>,
    number: &str,
    group: &Jid,
    content: &Content,
) -> Result<Vec<Node>, SendFailure> {
    let members = tx.world.groups.get(group.user.as_str()).map(|group| group.members.clone());
    let members = members.ok_or(SendFailure::NoMember)?;
    let key = group_key(tx, number, group).ok_or(SendFailure::Sealing)?;
    let key = Content { sender_key: Some(key), ..Default::default() }.encode_to_vec();
    let numbers = members.iter().map(String::as_str).collect();
    let keys = participants(tx, number, numbers, Addressing::Lid, |_| &key);
    let padded = content::pad(&content.encode_to_vec());
    let sealed = seal::seal_group(tx, number, &group.to_string(), &padded)
        .inspect_err(|error| tracing::warn!(number, %group, %error, "a phone cannot seal for a group"))
        .map_err(|_| SendFailure::Sealing)?;
    Ok(vec![keys, node("enc").attr("v", 2).attr("type", "skmsg").bytes(sealed).build()])
}

/// The key to what the phone says in a group.
pub fn group_key(tx: &mut Tx<'_>, number: &str, group: &Jid) -> Option<SenderKeyDistribution> {
    let group = group.to_string();
    let key = seal::distribution(tx, number, &group)
        .inspect_err(|error| tracing::warn!(number, group, %error, "a phone has no key for a group"))
        .ok()?;
    Some(SenderKeyDistribution { group_id: Some(group), axolotl: Some(key) })
}

/// `<participants>`: sealed for every device of these accounts but the phone itself. A device for which that fails
/// is left out, as by any client.
fn participants<'a>(
    tx: &mut Tx<'_>,
    number: &str,
    numbers: BTreeSet<&str>,
    addressing: Addressing,
    plain: impl Fn(&Address) -> &'a [u8],
) -> Node {
    let accounts = numbers.into_iter().filter_map(|number| tx.world.accounts.get(number));
    let mut devices: Vec<Address> = accounts.flat_map(Account::devices).collect();
    devices.retain(|at| !(at.is_phone() && at.number == number));
    let sealed = devices.iter().filter_map(|at| {
        let enc = enc_node(tx, number, at, plain(at), None)?;
        Some(node("to").attr("jid", tx.world.jid(at, addressing)?).children([enc]).build())
    });
    let sealed: Vec<Node> = sealed.collect();
    node("participants").children(sealed).build()
}

/// `<enc>` with `plain` sealed for a device. `retry` is the count of the request it answers.
pub fn enc_node(
    tx: &mut Tx<'_>,
    number: &str,
    to: &Address,
    plain: &[u8],
    retry: Option<u32>,
) -> Option<Node> {
    let sealed = seal::seal(tx, number, to, &content::pad(plain))
        .inspect_err(|error| tracing::warn!(number, %to, %error, "a phone cannot seal"))
        .ok()?;
    let enc = node("enc").attr("v", 2).attr("type", sealed.kind);
    let enc = if let Some(count) = retry { enc.attr("count", count) } else { enc };
    Some(enc.bytes(sealed.text).build())
}

/// Adds a message to what the phone shows. Returns its position.
pub fn keep(tx: &mut Tx<'_>, number: &str, row: MessageRow) -> Option<usize> {
    let position = tx.world.accounts.get_mut(number)?.phone.push(row);
    tx.save_message(number, position);
    Some(position)
}

/// What a phone sends to a client after its first login: the key to the account's settings, and a
/// history with nothing in it, so that the client does not wait for one.
pub fn welcome(tx: &mut Tx<'_>, client: &Address) {
    let Some(account) = tx.world.accounts.get_mut(&client.number) else { return };
    let Some(companion) = account.companions.get_mut(&client.device) else { return };
    if std::mem::replace(&mut companion.row.welcomed, true) {
        return;
    }
    let (id, key) = account.row.app_state_key.split_at(6);
    let fingerprint = KeyFingerprint {
        raw_id: Some(account.row.raw_id),
        current_index: Some(u32::from(client.device)),
        device_indexes: std::iter::once(0).chain(account.companions.keys().map(|n| u32::from(*n))).collect(),
    };
    let share = KeyShare {
        keys: vec![SharedKey {
            id: Some(SharedKeyId { id: Some(id.to_vec()) }),
            data: Some(SharedKeyData {
                key: Some(key.to_vec()),
                fingerprint: Some(fingerprint),
                timestamp: Some(account.row.devices_changed),
            }),
        }],
    };
    tx.save_companion(client);
    let share = ProtocolContent {
        kind: Some(APP_STATE_SYNC_KEY_SHARE),
        key_share: Some(share),
        ..Default::default()
    };
    to_own_client(tx, client, share);
    for (order, kind) in [INITIAL_BOOTSTRAP, RECENT].into_iter().enumerate() {
        let history = HistoryNotification {
            sync_type: Some(kind),
            chunk_order: u32::try_from(order).ok(),
            progress: Some(100),
            inline: Some(empty_history(kind)),
        };
        let history = ProtocolContent {
            kind: Some(HISTORY_SYNC_NOTIFICATION),
            history: Some(history),
            ..Default::default()
        };
        to_own_client(tx, client, history);
    }
}

const INITIAL_BOOTSTRAP: i32 = 0;
const RECENT: i32 = 3;

/// A HistorySync message with only its kind, in a zlib stream of one stored block.
fn empty_history(kind: i32) -> Vec<u8> {
    // Field 1 (the kind) and field 6 (progress, 100 %), both varints.
    let plain = [0x08, u8::try_from(kind).unwrap_or_default(), 0x30, 100];
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in plain {
        a += u32::from(byte);
        b += a;
    }
    let len = plain.len() as u8;
    let mut stream = vec![0x78, 0x01, 0x01, len, 0x00, !len, 0xFF];
    stream.extend_from_slice(&plain);
    // Adler-32; its sums stay far below 65,521 here.
    stream.extend_from_slice(&((b << 16) | a).to_be_bytes());
    stream
}

/// A message to a companion that nobody sees.
pub fn to_own_client(tx: &mut Tx<'_>, client: &Address, protocol: ProtocolContent) {
    let content = Content { protocol: Some(protocol), ..Default::default() }.encode_to_vec();
    let Some(enc) = enc_node(tx, &client.number, client, &content, None) else { return };
    let Some(to) = tx.world.jid(client, Addressing::Pn) else { return };
    let message = node("message")
        .attr("to", to)
        .attr("id", new_id())
        .attr("type", "text")
        .attr("category", "peer")
        .children([enc, node("meta").attr("appdata", "default").build()])
        .build();
    let sent = messages::route(tx, &Address::new(client.number.as_str(), 0), &message);
    if let Err(code) = sent {
        tracing::warn!(%client, code, "a phone cannot reach its own client");
    }
}
