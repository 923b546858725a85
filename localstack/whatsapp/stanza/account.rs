//! Requests about the client's own account and session, most of which want only to be answered.

use wacore_binary::Node;

use crate::whatsapp::{
    address::Address,
    node::{NodeExt, error, node, result},
    pairing::unlink,
    phone, queue,
    state::{ConnectionId, Tx},
};

/// How long media credentials and server properties are good for, in seconds.
const MEDIA_TTL: u32 = 3_600;
const PROPS_TTL: u32 = 86_400;

/// `passive`: a client that becomes active gets what was kept for it.
pub fn passive(tx: &mut Tx<'_>, connection: ConnectionId, client: &Address, iq: &Node) {
    tx.send(connection, result(iq, []));
    if iq.child("active").is_some() {
        phone::welcome(tx, client);
        queue::release(tx, connection, client);
    } else if let Some(companion) = tx.world.companion_mut(client) {
        companion.active = false;
    }
}

/// `md`: a client that unlinks itself. It is answered and then closed like one that the phone
/// unlinked.
pub fn devices(tx: &mut Tx<'_>, connection: ConnectionId, client: &Address, iq: &Node) {
    tx.send(connection, result(iq, []));
    let removed = iq.child("remove-companion-device");
    let Some(removed) = removed else { return };
    // A client can name any device of its own account.
    let at = removed.jid("jid").and_then(|jid| tx.world.resolve(&jid)).unwrap_or_else(|| client.clone());
    if at.number == client.number && !at.is_phone() {
        unlink(tx, &at);
    }
}

/// Everything else. `None` when the request is not known.
pub fn answer(tx: &Tx<'_>, client: &Address, iq: &Node, namespace: &str, is_set: bool) -> Option<Node> {
    let children = match namespace {
        "w:p" | "urn:xmpp:ping" => vec![],
        "w:sync:app:state" => vec![app_state(iq)?],
        "w:m" if iq.child("media_conn").is_some() => vec![media_connection()],
        "abt" => vec![properties(iq)],
        "w" => vec![node("props").build()],
        "blocklist" => vec![node("list").attr("matched", "false").attr("dhash", "sandbox").build()],
        "privacy" if is_set => vec![],
        "privacy" if iq.child("tokens").is_some() => vec![node("tokens").build()],
        "privacy" => vec![privacy()],
        "disappearing_mode" | "status" => vec![],
        // Nobody has a picture or a business.
        "w:profile:picture" | "w:biz" if !is_set => return Some(error(iq, 404, "item-not-found")),
        "urn:xmpp:whatsapp:dirty" | "w:stats" | "urn:xmpp:whatsapp:push" | "w:web" | "tos" => vec![],
        "urn:xmpp:whatsapp:account" => {
            let account = tx.world.accounts.get(&client.number)?;
            vec![node("account").attr("name", account.row.name.as_str()).build()]
        }
        _ => return None,
    };
    Some(result(iq, children))
}

/// The account's settings that all its devices share: empty, at version 0.
fn app_state(iq: &Node) -> Option<Node> {
    let collections: Vec<Node> = iq
        .child("sync")?
        .nodes()
        .iter()
        .map(|asked| {
            // A client that sends changes of its own is one version ahead afterwards.
            let version: u64 = asked.text("version").parse().unwrap_or_default();
            let version = version + u64::from(asked.child("patch").is_some());
            node("collection").attr("name", asked.text("name")).attr("version", version).build()
        })
        .collect();
    Some(node("sync").children(collections).build())
}

/// Where media would go. Nothing listens there: clients always use https, which the sandbox does
/// not speak.
fn media_connection() -> Node {
    let host = node("host").attr("hostname", "127.0.0.1").attr("type", "primary").build();
    node("media_conn")
        .attr("auth", "sandbox")
        .attr("ttl", MEDIA_TTL)
        .attr("auth_ttl", MEDIA_TTL)
        .attr("max_buckets", 12)
        .attr("id", 1)
        .children([host])
        .build()
}

fn properties(iq: &Node) -> Node {
    let protocol = iq.child("props").map(|props| props.text("protocol")).unwrap_or_default();
    node("props")
        .attr("protocol", if protocol.is_empty() { "1".to_owned() } else { protocol })
        .attr("hash", "sandbox")
        .attr("refresh", PROPS_TTL)
        .attr("refresh_id", 1)
        .build()
}

/// Everybody sees everything, read receipts included.
fn privacy() -> Node {
    let names = ["readreceipts", "last", "online", "profile", "status", "groupadd", "calladd"];
    let categories = names.map(|name| node("category").attr("name", name).attr("value", "all").build());
    node("privacy").children(categories).build()
}
