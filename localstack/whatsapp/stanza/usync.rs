//! `usync`: who has an account, under which names, with which devices.

use wacore_binary::{Jid, Node};

use crate::whatsapp::{
    address::{Address, Addressing},
    adv::signed_key_index_list,
    device_list::account_hash,
    node::{NodeExt, bytes, node, result},
    state::{Account, Tx},
};

/// What a request wants to know.
struct Query {
    /// The names of its protocols.
    wanted: Vec<String>,
    /// People that are asked for by number are answered under their LID, with the number beside it.
    by_lid: bool,
}

pub fn answer(tx: &mut Tx<'_>, client: &Address, iq: &Node) -> Option<Node> {
    let request = iq.child("usync")?;
    let protocols = request.child("query")?;
    let query = Query {
        wanted: protocols.nodes().iter().map(|protocol| protocol.tag.to_string()).collect(),
        by_lid: protocols.child("contact").is_some_and(|contact| contact.text("addressing_mode") == "lid"),
    };
    let asked = request.child("list").map(NodeExt::nodes).unwrap_or_default();
    let users: Vec<Node> = asked.iter().filter_map(|user| user_node(tx, client, user, &query)).collect();
    let mut answer = node("usync");
    for key in ["sid", "context", "mode", "index", "last"] {
        if let Some(value) = request.raw(key) {
            answer = answer.attr(key, value);
        }
    }
    let results: Vec<Node> = query.wanted.iter().map(|name| protocol_node(name)).collect();
    let children = [node("result").children(results).build(), node("list").children(users).build()];
    Some(result(iq, [answer.children(children).build()]))
}

fn protocol_node(name: &str) -> Node {
    wacore_binary::builder::NodeBuilder::new_dynamic(name.to_owned()).build()
}

/// A user is asked for by JID, or by phone number in a `<contact>`. `None` when the client has the present
/// list of devices and wants nothing else.
fn user_node(tx: &mut Tx<'_>, client: &Address, user: &Node, query: &Query) -> Option<Node> {
    let typed = user.child("contact").map(NodeExt::content_bytes).filter(|typed| !typed.is_empty());
    let typed = typed.map(|typed| String::from_utf8_lossy(&typed).into_owned());
    let asked = user.jid("jid").or_else(|| typed_jid(typed.as_deref()?));
    let found = asked.as_ref().and_then(|asked| tx.world.account_of(asked));
    let known = user.child("devices").map(|devices| devices.text("device_hash")).unwrap_or_default();
    let (mut children, mut watched, mut unchanged) = (Vec::new(), None, false);
    for protocol in &query.wanted {
        match (protocol.as_str(), found) {
            ("devices", Some(account)) => {
                watched = Some(account.row.number.clone());
                let hashes = [Addressing::Pn, Addressing::Lid].map(|name| account_hash(account, name));
                unchanged = hashes.contains(&known);
                if !unchanged {
                    let addressing = asked.as_ref().map(Addressing::of).unwrap_or_default();
                    children.push(devices_node(account, addressing));
                }
            }
            ("contact", _) => {
                let kind = match (found, &asked) {
                    (Some(_), _) => "in",
                    (None, Some(_)) => "out",
                    (None, None) => "invalid",
                };
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
    let nothing_new = unchanged && children.is_empty();
    let names = found.map(|account| (account.jid(0, Addressing::Lid), account.jid(0, Addressing::Pn)));
    let answer = match (asked, names) {
        (Some(asked), Some((lid, pn))) if asked.is_lid() || query.by_lid => {
            node("user").attr("jid", lid).attr("pn_jid", pn)
        }
        (Some(asked), _) => node("user").attr("jid", asked.to_non_ad()),
        (None, _) => node("user"),
    };
    if let Some(number) = watched {
        watch(tx, client, &number);
    }
    (!nothing_new).then(|| answer.children(children).build())
}

/// Whom a typed contact means: a number, bare or as the JID of a person. Anything else means nobody, and must not
/// become a JID.
fn typed_jid(typed: &str) -> Option<Jid> {
    let (number, server) = typed.split_once('@').unwrap_or((typed, "c.us"));
    let number = number.strip_prefix('+').unwrap_or(number);
    let is_number = (1..=20).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && ["c.us", "s.whatsapp.net"].contains(&server)).then(|| Jid::pn(number))
}

/// The list in two forms: in plain, and signed by the account. whatsapp-rust skips companions that
/// are only in the plain one.
fn devices_node(account: &Account, addressing: Addressing) -> Node {
    let phone = node("device").attr("id", 0).build();
    let companions = account
        .companions
        .keys()
        .map(|device| node("device").attr("id", *device).attr("key-index", *device).build());
    let list = node("device-list").attr("hash", account_hash(account, addressing));
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
