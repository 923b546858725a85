//! Messages that do not open: asking for them again, and sending them again.

use prost::Message;
use wacore_binary::{Jid, Node, NodeValue};

use super::{
    fetch::take_bundle,
    keys::offer_bundle,
    origin::Origin,
    seal,
    send::{device_sent, enc_node, group_key},
    signal::protocol_address,
};
use crate::whatsapp::{
    address::{Address, Addressing},
    bundle::{self, Bundle},
    messages,
    node::{NodeExt, bytes, node},
    proto::Content,
    receipts,
    state::{
        Tx,
        rows::{MessageKey, MessageRow, keys},
    },
};

/// After so many requests both sides give a message up.
const MAX_RETRIES: u32 = 5;

/// Asks the sender to send a message again, with keys for a fresh session in the request.
pub fn ask(tx: &mut Tx<'_>, number: &str, origin: &Origin, key: MessageKey, stanza: &Node) {
    let id = stanza.text("id");
    let sender = &origin.sender;
    let Some(account) = tx.world.accounts.get_mut(number) else { return };
    let count = account.phone.retries.entry((key, sender.device)).or_default();
    *count += 1;
    let count = *count;
    if count > MAX_RETRIES {
        tracing::warn!(number, %sender, id, "a phone gives a message up");
        return;
    }
    let Ok(bundle) = offer_bundle(tx, number) else { return };
    let retry = node("retry")
        .attr("v", 1)
        .attr("count", count)
        .attr("id", id.as_str())
        .attr("t", stanza.raw("t").unwrap_or_default())
        .build();
    let mut keys = vec![bundle::type_node(), bytes("identity", bundle.identity)];
    if let Some((id, value)) = bundle.one_time {
        keys.push(bundle::key_node(id, value));
    }
    keys.push(bundle::skey_node(&bundle.skey));
    let children =
        [retry, bytes("registration", bundle.registration_id), node("keys").children(keys).build()];
    let mut receipt = node("receipt").attr("id", id).attr("type", "retry").attr("t", tx.seconds());
    receipt = match &origin.group {
        Some(group) => receipt
            .attr("to", group)
            .attr("participant", tx.world.jid(sender, Addressing::Lid).unwrap_or_default()),
        None => receipt.attr("to", stanza.raw("from").unwrap_or_default()),
    };
    // Of a companion of its own a phone asks for a message that went to somebody else.
    if let Some(recipient) = stanza.raw("recipient") {
        receipt = receipt.attr("recipient", recipient);
    }
    receipts::route(tx, &Address::new(number, 0), &receipt.children(children).build());
}

/// Sends a message of the phone's again to the device that could not open it, in a fresh session.
pub fn resend(tx: &mut Tx<'_>, number: &str, receipt: &Node) {
    let Some(Origin { sender: device, group, chat }) = Origin::of(tx, number, receipt) else { return };
    let Some(retry) = receipt.child("retry") else { return };
    let count = retry.text("count").parse().unwrap_or(1);
    if count > MAX_RETRIES {
        return;
    }
    let key = MessageKey { chat: chat.clone(), author: number.to_owned(), id: receipt.text("id") };
    let Some(account) = tx.world.accounts.get(number) else { return };
    let message = account.phone.position(&key).and_then(|at| account.phone.messages.get(at));
    // What a companion sent is that companion's to send again.
    let Some(message) = message.filter(|message| message.from_device == 0).cloned() else { return };
    refresh_session(tx, number, &device, receipt);
    let resent = match group {
        Some(group) => to_member(tx, number, &group, &device, &message, count),
        None => to_person(tx, number, &chat, &device, &message, count),
    };
    let Some(resent) = resent else { return };
    if let Err(code) = messages::route(tx, &Address::new(number, 0), &resent) {
        tracing::warn!(number, %device, code, "a phone cannot send again");
    }
}

fn to_person(
    tx: &mut Tx<'_>,
    number: &str,
    chat: &str,
    device: &Address,
    message: &MessageRow,
    count: u32,
) -> Option<Node> {
    let peer = tx.world.jid(&Address::new(chat, 0), Addressing::Pn)?;
    let jid = tx.world.jid(device, Addressing::Pn)?;
    let (plain, to): (Vec<u8>, NodeValue) = if device.number == number {
        let content = Content::decode(message.content.as_slice()).unwrap_or_default();
        (device_sent(&peer, &content).encode_to_vec(), peer.into())
    } else {
        (message.content.clone(), jid.clone().into())
    };
    let enc = enc_node(tx, number, device, &plain, Some(count))?;
    let part = node("to").attr("jid", jid).children([enc]).build();
    let resent = node("message").attr("to", to).attr("id", message.id.as_str()).attr("type", "text");
    Some(resent.children([node("participants").children([part]).build()]).build())
}

/// The message together with the key for those that follow, since the member may lack that as well.
fn to_member(
    tx: &mut Tx<'_>,
    number: &str,
    group: &Jid,
    device: &Address,
    message: &MessageRow,
    count: u32,
) -> Option<Node> {
    let content = Content::decode(message.content.as_slice()).ok()?;
    let content = Content { sender_key: Some(group_key(tx, number, group)?), ..content };
    let enc = enc_node(tx, number, device, &content.encode_to_vec(), Some(count))?;
    let resent = node("message")
        .attr("to", group)
        .attr("participant", tx.world.jid(device, Addressing::Lid)?)
        .attr("id", message.id.as_str())
        .attr("type", "text");
    Some(resent.children([enc]).build())
}

/// A fresh session: from the keys in the request, else from those at the server.
fn refresh_session(tx: &mut Tx<'_>, number: &str, device: &Address, receipt: &Node) {
    let bundle = bundle_in(receipt).filter(|bundle| {
        let known = tx.world.companion(device).map(|companion| companion.row.identity.as_slice());
        known.is_none_or(|known| known == bundle.identity)
    });
    let bundle = match bundle {
        Some(bundle) => Some(bundle),
        None => take_bundle(tx, device).ok(),
    };
    let Some(bundle) = bundle else { return };
    if let Err(error) = seal::start_session(tx, number, device, &bundle) {
        tracing::warn!(number, %device, %error, "a phone cannot start a fresh session");
        // Without a session the next message fetches keys.
        let peer = protocol_address(device).as_str().to_owned();
        if let Some(account) = tx.world.accounts.get_mut(number) {
            account.phone.sessions.remove(&peer);
        }
        tx.delete(keys::session(number, &peer));
    }
}

fn bundle_in(receipt: &Node) -> Option<Bundle> {
    let keys = receipt.child("keys")?;
    let one_time = keys.child("key").and_then(bundle::one_time_key);
    Some(Bundle {
        registration_id: receipt.child_bytes("registration")?,
        identity: keys.child_bytes("identity")?,
        skey: bundle::signed_key(keys.child("skey")?)?,
        one_time,
        device_identity: None,
    })
}
