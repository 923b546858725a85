//! Messages that a companion could not open, and asks its phone for.

use prost::Message;
use wacore_binary::{Jid, Node, Server};

use super::send::to_own_client;
use crate::whatsapp::{
    address::{Address, Addressing},
    node::NodeExt,
    proto::{
        Content, PEER_RESPONSE, PLACEHOLDER_RESEND, PeerResponse, PeerResult, PlaceholderResponse,
        ProtocolContent, WebMessage, WireMessageKey,
    },
    state::{
        Tx,
        rows::{MessageKey, MessageRow},
    },
};

/// Answers when `content` is such a request of an own companion.
pub fn answer(tx: &mut Tx<'_>, number: &str, companion: &Address, stanza: &Node, content: &Content) {
    let request = content.protocol.as_ref().and_then(|protocol| protocol.peer_request.as_ref());
    let Some(request) = request.filter(|request| request.kind == Some(PLACEHOLDER_RESEND)) else { return };
    if companion.number != number || companion.is_phone() {
        return;
    }
    let asked = request.placeholders.iter().filter_map(|asked| asked.key.clone());
    let results = asked.map(|key| PeerResult {
        placeholder: Some(PlaceholderResponse { message: Some(resent(tx, number, key).encode_to_vec()) }),
    });
    let response = PeerResponse {
        kind: Some(PLACEHOLDER_RESEND),
        request: Some(stanza.text("id")),
        results: results.collect(),
    };
    let protocol =
        ProtocolContent { kind: Some(PEER_RESPONSE), peer_response: Some(response), ..Default::default() };
    to_own_client(tx, companion, protocol);
}

/// The message under the names by which phones answer: those with numbers.
fn resent(tx: &Tx<'_>, number: &str, asked: WireMessageKey) -> WebMessage {
    let by_number = |name: &Option<String>| {
        let jid: Jid = name.as_ref()?.parse().ok()?;
        if jid.server == Server::Group {
            return Some(jid.to_string());
        }
        let at = tx.world.resolve(&jid)?;
        Some(tx.world.jid(&Address::new(at.number, 0), Addressing::Pn)?.to_string())
    };
    let (chat, participant) = (by_number(&asked.chat), by_number(&asked.participant));
    let found = find(tx, number, &asked);
    let key = WireMessageKey { chat, participant: participant.clone(), ..asked };
    let Some(row) = found else { return WebMessage { key: Some(key), ..Default::default() } };
    let author = tx.world.accounts.get(&row.from);
    WebMessage {
        key: Some(key),
        content: Some(row.content.clone()),
        timestamp: u64::try_from(row.timestamp / 1_000).ok(),
        participant,
        push_name: author.map(|account| account.row.name.clone()),
    }
}

fn find<'a>(tx: &'a Tx<'_>, number: &str, asked: &WireMessageKey) -> Option<&'a MessageRow> {
    let resolve = |jid: &str| tx.world.resolve(&jid.parse::<Jid>().ok()?).map(|at| at.number);
    let chat = asked.chat.as_deref()?;
    let is_group = chat.ends_with("@g.us");
    let chat = if is_group { chat.to_owned() } else { resolve(chat)? };
    let author = if asked.from_me == Some(true) {
        number.to_owned()
    } else if is_group {
        resolve(asked.participant.as_deref()?)?
    } else {
        chat.clone()
    };
    let phone = &tx.world.accounts.get(number)?.phone;
    let position = phone.position(&MessageKey { chat, author, id: asked.id.clone()? })?;
    phone.messages.get(position)
}
