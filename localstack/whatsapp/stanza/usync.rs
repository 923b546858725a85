//! `usync`: who has an account, under which names, with which devices.

use wacore_binary::{Jid, Node};

use crate::whatsapp::{
    address::{Address, Addressing, digits},
    node::{NodeExt, bytes, node, result},
    pairing::signed_key_index_list,
    state::{Account, Tx},
};

pub fn answer(tx: &mut Tx<'_>, client: &Address, iq: &Node) -> Option<Node> {
    let request = iq.child("usync")?;
    let wanted: Vec<String> =
        request.child("query")?.nodes().iter().map(|protocol| protocol.tag.to_string()).collect();
    let asked = request.child("list").map(NodeExt::nodes).unwrap_or_default();
    let users: Vec<Node> = asked.iter().map(|user| user_node(tx, client, user, &wanted)).collect();
    let mut answer = node("usync");
    for key in ["sid", "context", "mode", "index", "last"] {
        if let Some(value) = request.raw(key) {
            answer = answer.attr(key, value);
        }
    }
    let results: Vec<Node> = wanted.iter().map(|name| protocol_node(name)).collect();
    let children = [node("result").children(results).build(), node("list").children(users).build()];
    Some(result(iq, [answer.children(children).build()]))
}

fn protocol_node(name: &str) -> Node {
    wacore_binary::builder::NodeBuilder::new_dynamic(name.to_owned()).build()
}

/// A user is asked for by JID, or by phone number in a `<contact>`.
fn user_node(tx: &mut Tx<'_>, client: &Address, user: &Node, wanted: &[String]) -> Node {
    let typed = user.child("contact").map(NodeExt::content_bytes).filter(|typed| !typed.is_empty());
    let typed = typed.map(|typed| String::from_utf8_lossy(&typed).into_owned());
    let number = typed.as_deref().map(|typed| digits(typed).unwrap_or_else(|| typed.replace('+', "")));
    let asked = user.jid("jid").or_else(|| number.as_deref().map(Jid::pn)).unwrap_or_default();
    let found = tx.world.account_of(&asked);
    let mut children = Vec::new();
    let mut watched = None;
    for protocol in wanted {
        match (protocol.as_str(), found) {
            ("devices", Some(account)) => {
                children.push(devices_node(account));
                watched = Some(account.row.number.clone());
            }
            ("contact", _) => {
                let kind = if found.is_some() { "in" } else { "out" };
                let contact = node("contact").attr("type", kind);
                children.push(match &typed {
                    Some(typed) => contact.bytes(typed.as_bytes()).build(),
                    None => contact.build(),
                });
            }
            ("lid", Some(account)) => {
                children.push(node("lid").attr("val", account.jid(0, Addressing::Lid)).build());
            }
            ("status", Some(_)) => children.push(bytes("status", "Hey there! I am using WhatsApp.")),
            ("disappearing_mode", Some(_)) => {
                children.push(node("disappearing_mode").attr("duration", 0).attr("t", 0).build());
            }
            // Pictures, business profiles, user names: nobody has any.
            _ => {}
        }
    }
    let mut answer = node("user").attr("jid", asked.to_non_ad());
    if asked.is_lid()
        && let Some(account) = found
    {
        answer = answer.attr("pn_jid", account.jid(0, Addressing::Pn));
    }
    let answer = answer.children(children).build();
    if let Some(number) = watched {
        watch(tx, client, &number);
    }
    answer
}

/// The list in two forms: in plain, and signed by the account. whatsapp-rust skips companions that
/// are only in the plain one.
fn devices_node(account: &Account) -> Node {
    let phone = node("device").attr("id", 0).build();
    let companions = account
        .companions
        .keys()
        .map(|device| node("device").attr("id", *device).attr("key-index", *device).build());
    let list = node("device-list").attr("hash", "2:sandbox");
    let list = list.children(std::iter::once(phone).chain(companions)).build();
    let indexes = node("key-index-list")
        .attr("ts", account.row.devices_changed)
        .bytes(signed_key_index_list(account))
        .build();
    node("devices").children([list, indexes]).build()
}

/// Who asked for a device list hears of its changes.
fn watch(tx: &mut Tx<'_>, client: &Address, number: &str) {
    let Some(account) = tx.world.accounts.get_mut(number) else { return };
    if client.number != number && account.watchers.insert(client.clone()) {
        tx.save_watchers(number);
    }
}
