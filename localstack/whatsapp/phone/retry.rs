//! Messages that do not open: asking for them again, and sending them again.

use prost::Message;
use wacore_binary::{Jid, Node, NodeValue};

use super::{
    keys::offer_bundle,
    seal,
    send::{device_sent, enc_node},
    signal::protocol_address,
};
use crate::whatsapp::{
    address::{Address, Addressing},
    messages,
    node::{NodeExt, be_number, bytes, node},
    proto::Content,
    receipts,
    stanza::encrypt::{self, Bundle, take_bundle},
    state::{Tx, rows::keys},
};

/// After so many requests both sides give a message up.
const MAX_RETRIES: u32 = 5;

/// Asks the sender to send a message again, with keys for a fresh session in the request.
pub fn ask(tx: &mut Tx<'_>, number: &str, sender: &Address, group: Option<&Jid>, stanza: &Node) {
    let id = stanza.text("id");
    let Some(account) = tx.world.accounts.get_mut(number) else { return };
    let count = account.phone.retries.entry((id.clone(), sender.clone())).or_default();
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
    let mut keys = vec![encrypt::type_node(), bytes("identity", bundle.identity)];
    if let Some((id, value)) = bundle.one_time {
        keys.push(encrypt::key_node(id, value));
    }
    keys.push(encrypt::skey_node(&bundle.skey));
    let children =
        [retry, bytes("registration", bundle.registration_id), node("keys").children(keys).build()];
    let mut receipt = node("receipt").attr("id", id).attr("type", "retry").attr("t", tx.seconds());
    receipt = match group {
        Some(group) => receipt
            .attr("to", group)
            .attr("participant", tx.world.jid(sender, Addressing::Lid).unwrap_or_default()),
        None => receipt.attr("to", stanza.raw("from").unwrap_or_default()),
    };
    if let Some(recipient) = stanza.raw("recipient") {
        receipt = receipt.attr("recipient", recipient);
    }
    receipts::route(tx, &Address::new(number, 0), &receipt.children(children).build());
}

/// Sends a message of the phone's again to the device that could not open it, in a fresh session.
pub fn resend(tx: &mut Tx<'_>, number: &str, receipt: &Node) {
    let Some(device) = receipt.jid("from").and_then(|from| tx.world.resolve(&from)) else { return };
    let Some(retry) = receipt.child("retry") else { return };
    let count = retry.text("count").parse().unwrap_or(1);
    if count > MAX_RETRIES {
        return;
    }
    let Some(account) = tx.world.accounts.get(number) else { return };
    let message =
        account.phone.positions.get(&receipt.text("id")).and_then(|at| account.phone.messages.get(*at));
    // What a companion sent is that companion's to send again.
    let Some(message) = message.filter(|message| message.outgoing && message.from_device == 0) else {
        return;
    };
    let message = message.clone();
    if device.number != number && device.number != message.to {
        return;
    }
    refresh_session(tx, number, &device, receipt);
    let Some(peer) = tx.world.jid(&Address::new(message.to.as_str(), 0), Addressing::Pn) else { return };
    let is_own = device.number == number;
    let plain = if is_own {
        let content = Content::decode(message.content.as_slice()).unwrap_or_default();
        device_sent(&peer, &content).encode_to_vec()
    } else {
        message.content.clone()
    };
    let Some(enc) = enc_node(tx, number, &device, &plain, Some(count)) else { return };
    let Some(jid) = tx.world.jid(&device, Addressing::Pn) else { return };
    let to: NodeValue = if is_own { peer.into() } else { jid.clone().into() };
    let part = node("to").attr("jid", jid).children([enc]).build();
    let resent = node("message")
        .attr("to", to)
        .attr("id", message.id)
        .attr("type", "text")
        .children([node("participants").children([part]).build()])
        .build();
    if let Err(code) = messages::route(tx, &Address::new(number, 0), &resent) {
        tracing::warn!(number, %device, code, "a phone cannot send again");
    }
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
    let one_time = keys.child("key").and_then(|key| {
        let value = key.child_bytes("value").filter(|value| value.len() == 32)?;
        Some((be_number(&key.child_bytes("id")?), value))
    });
    Some(Bundle {
        registration_id: receipt.child_bytes("registration")?,
        identity: keys.child_bytes("identity")?,
        skey: encrypt::signed_key(keys.child("skey")?)?,
        one_time,
        device_identity: None,
    })
}
