//! What a phone sends.

use prost::Message;
use wacore_binary::{Jid, JidExt, Node};

use super::{content, seal};
use crate::whatsapp::{
    address::{Address, Addressing, digits},
    crypto, messages,
    node::node,
    proto::{
        APP_STATE_SYNC_KEY_SHARE, Content, DeviceSent, HISTORY_SYNC_NOTIFICATION, HistoryNotification,
        KeyFingerprint, KeyShare, ProtocolContent, SharedKey, SharedKeyData, SharedKeyId,
    },
    state::{
        Tx,
        rows::{MessageRow, Status},
    },
};

/// Why a phone cannot send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendFailure {
    /// The receiver is neither a number nor a JID of a person.
    BadReceiver,
    /// Nobody has that number or LID.
    UnknownReceiver,
    /// A bug: the phone's own keys do not work.
    Sealing,
}

/// Sends a text to a person, given by number or JID, or to a group, given by JID, under an id of its choice. Returns
/// the message's id.
pub fn send_text(
    tx: &mut Tx<'_>,
    number: &str,
    to: &str,
    body: &str,
    id: Option<String>,
) -> Result<String, SendFailure> {
    let to = receiver(tx, to)?;
    let content = Content { conversation: Some(body.to_owned()), ..Default::default() };
    let id = id.unwrap_or_else(|| format!("3A{}", hex::encode_upper(crypto::random::<9>())));
    let (to_shown, participants) = if to.is_group() {
        let group = tx.world.groups.get(to.user.as_str()).ok_or(SendFailure::UnknownReceiver)?;
        let members = group.members.clone();
        // Each gets a part of its own, as a client does that has no key of the group.
        (to.to_string(), seal_for_all(tx, number, &members, &content, &content))
    } else {
        let peer = tx.world.account_of(&to).ok_or(SendFailure::UnknownReceiver)?.row.number.clone();
        let own = device_sent(&to, &content);
        (peer.clone(), seal_for_all(tx, number, &[number.to_owned(), peer], &content, &own))
    };
    let row = MessageRow {
        id: id.clone(),
        outgoing: true,
        from: number.to_owned(),
        from_device: 0,
        from_lid: String::new(),
        to: to_shown,
        kind: "text".to_owned(),
        body: Some(body.to_owned()),
        timestamp: tx.now.unix_millis(),
        status: Status::Sent.into(),
        copies: 1,
        content: content.encode_to_vec(),
    };
    keep(tx, number, row);
    let message = node("message")
        .attr("to", to)
        .attr("id", id.as_str())
        .attr("type", "text")
        .children([node("participants").children(participants).build()])
        .build();
    messages::route(tx, &Address::new(number, 0), &message).map_err(|_| SendFailure::Sealing)?;
    Ok(id)
}

fn receiver(tx: &Tx<'_>, to: &str) -> Result<Jid, SendFailure> {
    let jid = match digits(to) {
        Some(number) => Jid::pn(number),
        None => to.parse::<Jid>().map_err(|_| SendFailure::BadReceiver)?.to_non_ad(),
    };
    if jid.is_group() {
        return Ok(jid);
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

/// Seals for every device of these people, and for the sender's own companions among them. A device for which
/// that fails is left out, as by any client.
fn seal_for_all(
    tx: &mut Tx<'_>,
    number: &str,
    people: &[String],
    content: &Content,
    own: &Content,
) -> Vec<Node> {
    let devices = |tx: &Tx<'_>, number: &str| -> Vec<Address> {
        tx.world.accounts.get(number).map(|account| account.devices().collect()).unwrap_or_default()
    };
    let mut targets: Vec<Address> = Vec::new();
    for at in people.iter().flat_map(|person| devices(tx, person)) {
        if !targets.contains(&at) {
            targets.push(at);
        }
    }
    targets.retain(|at| !(at.is_phone() && at.number == number));
    let (content, own) = (content.encode_to_vec(), own.encode_to_vec());
    targets
        .iter()
        .filter_map(|at| {
            let plain = if at.number == number { &own } else { &content };
            let enc = enc_node(tx, number, at, plain, None)?;
            let jid = tx.world.jid(at, Addressing::Pn)?;
            Some(node("to").attr("jid", jid).children([enc]).build())
        })
        .collect()
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

/// Adds a message to what the phone shows, or counts one more copy of it. Returns its position.
pub fn keep(tx: &mut Tx<'_>, number: &str, row: MessageRow) {
    let Some(account) = tx.world.accounts.get_mut(number) else { return };
    let phone = &mut account.phone;
    let position = match phone.positions.get(&row.id) {
        Some(position) => {
            phone.messages[*position].copies += 1;
            *position
        }
        None => {
            phone.positions.insert(row.id.clone(), phone.messages.len());
            phone.messages.push(row);
            phone.messages.len() - 1
        }
    };
    tx.save_message(number, position);
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
    let share =
        ProtocolContent { kind: Some(APP_STATE_SYNC_KEY_SHARE), key_share: Some(share), history: None };
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
            key_share: None,
            history: Some(history),
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

fn to_own_client(tx: &mut Tx<'_>, client: &Address, protocol: ProtocolContent) {
    let content = Content { protocol: Some(protocol), ..Default::default() }.encode_to_vec();
    let Some(enc) = enc_node(tx, &client.number, client, &content, None) else { return };
    let Some(to) = tx.world.jid(client, Addressing::Pn) else { return };
    let id = format!("3A{}", hex::encode_upper(crypto::random::<9>()));
    let message = node("message")
        .attr("to", to)
        .attr("id", id)
        .attr("type", "text")
        .attr("category", "peer")
        .children([enc, node("meta").attr("appdata", "default").build()])
        .build();
    let sent = messages::route(tx, &Address::new(client.number.as_str(), 0), &message);
    if let Err(code) = sent {
        tracing::warn!(%client, code, "a phone cannot reach its own client");
    }
}
