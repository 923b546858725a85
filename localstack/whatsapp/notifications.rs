//! What the server tells clients unasked: changed device lists, and one-time keys that run low.

use wacore_binary::{Node, builder::NodeBuilder};

use super::{
    address::{Address, Addressing},
    adv::signed_key_index_list,
    device_list::account_hash,
    node::{node, server_jid},
    queue,
    state::{Account, Tx},
};

/// Below this many one-time keys a client is asked for more. Baileys answers only below five.
const LOW_WATER: usize = 5;

/// A client has become a device of the account.
pub fn device_added(tx: &mut Tx<'_>, at: &Address) {
    tell(tx, at, true);
}

/// A client is no longer a device of the account.
pub fn device_removed(tx: &mut Tx<'_>, at: &Address) {
    tell(tx, at, false);
}

fn tell(tx: &mut Tx<'_>, at: &Address, added: bool) {
    let Some(account) = tx.world.accounts.get(&at.number) else { return };
    let strangers: Vec<Address> = account.watchers.iter().cloned().collect();
    let own = account.companions.keys().map(|device| Address::new(at.number.as_str(), *device));
    let own: Vec<Address> = own.filter(|companion| companion != at).collect();
    let from = account.jid(0, Addressing::Pn);
    let lid = account.jid(0, Addressing::Lid);
    let (change, list) = (change(account, at, added), own_devices(account));
    for watcher in strangers {
        let notification = node("notification").attr("from", from.clone()).attr("lid", lid.clone());
        notify(tx, &watcher, notification.attr("type", "devices"), change.clone());
    }
    for companion in own {
        let notification = node("notification").attr("from", from.clone());
        notify(tx, &companion, notification.attr("type", "account_sync"), list.clone());
    }
}

fn notify(tx: &mut Tx<'_>, to: &Address, notification: NodeBuilder, news: Node) {
    if tx.world.faults.for_device_notification(&to.number) {
        return;
    }
    let id = tx.stanza_id();
    let notification = notification.attr("id", id).attr("t", tx.seconds()).children([news]).build();
    queue::deliver(tx, to, notification);
}

/// What others are told: the one device, and the hashes of the list that they should come to with it.
fn change(account: &Account, at: &Address, added: bool) -> Node {
    let device = node("device")
        .attr("jid", account.jid(at.device, Addressing::Pn))
        .attr("lid", account.jid(at.device, Addressing::Lid))
        .attr("key-index", at.device)
        .build();
    let list = node("key-index-list").attr("ts", account.row.devices_changed);
    let list = if added { list.bytes(signed_key_index_list(account)) } else { list };
    node(if added { "add" } else { "remove" })
        .attr("device_hash", account_hash(account, Addressing::Pn))
        .attr("device_lid_hash", account_hash(account, Addressing::Lid))
        .children([device, list.build()])
        .build()
}

/// What the account's own companions are told: the whole list.
fn own_devices(account: &Account) -> Node {
    let device = |at: Address| {
        let device = node("device").attr("jid", account.jid(at.device, Addressing::Pn));
        if at.is_phone() { device.build() } else { device.attr("key-index", at.device).build() }
    };
    let indexes = node("key-index-list")
        .attr("ts", account.row.devices_changed)
        .bytes(signed_key_index_list(account))
        .build();
    node("devices")
        .attr("dhash", account_hash(account, Addressing::Pn))
        .children(account.devices().map(device).chain([indexes]))
        .build()
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
