//! What the server tells clients unasked: changed device lists, and one-time keys that run low.

use wacore_binary::Node;

use super::{
    address::{Address, Addressing},
    node::{node, server_jid},
    pairing::signed_key_index_list,
    queue,
    state::{Account, Tx},
};

/// Below this many one-time keys a client is asked for more. Baileys answers only below five.
const LOW_WATER: usize = 5;

/// A client has become a device of the account.
pub fn device_added(tx: &mut Tx<'_>, at: &Address) {
    tell_watchers(tx, at, true);
}

/// A client is no longer a device of the account.
pub fn device_removed(tx: &mut Tx<'_>, at: &Address) {
    tell_watchers(tx, at, false);
}

fn tell_watchers(tx: &mut Tx<'_>, at: &Address, added: bool) {
    let Some(account) = tx.world.accounts.get(&at.number) else { return };
    let own = account.companions.keys().map(|device| Address::new(at.number.as_str(), *device));
    let told: Vec<Address> =
        account.watchers.iter().cloned().chain(own).filter(|watcher| watcher != at).collect();
    let change = change(account, at, added);
    let from = account.jid(0, Addressing::Pn);
    let lid = account.jid(0, Addressing::Lid);
    for watcher in told {
        let id = tx.stanza_id();
        let notification = node("notification")
            .attr("from", from.clone())
            .attr("lid", lid.clone())
            .attr("type", "devices")
            .attr("id", id)
            .attr("t", tx.seconds())
            .children([change.clone()])
            .build();
        queue::deliver(tx, &watcher, notification);
    }
}

fn change(account: &Account, at: &Address, added: bool) -> Node {
    let device = node("device")
        .attr("jid", account.jid(at.device, Addressing::Pn))
        .attr("lid", account.jid(at.device, Addressing::Lid))
        .attr("key-index", at.device)
        .build();
    let list = node("key-index-list").attr("ts", account.row.devices_changed);
    let list = if added { list.bytes(signed_key_index_list(account)) } else { list };
    node(if added { "add" } else { "remove" }).children([device, list.build()]).build()
}

/// Asks a client for more one-time keys, once until it has uploaded some.
pub fn check_key_pool(tx: &mut Tx<'_>, at: &Address) {
    let Some(companion) = tx.world.companion_mut(at) else { return };
    let left = companion.pool.len();
    if left >= LOW_WATER || companion.told_low {
        return;
    }
    companion.told_low = true;
    let id = tx.stanza_id();
    let notification = node("notification")
        .attr("from", server_jid())
        .attr("type", "encrypt")
        .attr("id", id)
        .attr("t", tx.seconds())
        .children([node("count").attr("value", left).build()])
        .build();
    queue::deliver(tx, at, notification);
}
