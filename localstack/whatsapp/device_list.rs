//! Hashes of device lists, by which clients and the server notice that a list is out of date.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use sha2::{Digest, Sha256};
use wacore_binary::{Jid, Node, Server};

use super::{
    address::{Address, Addressing},
    node::NodeExt,
    state::{Account, Tx},
};

/// The participant hash: version 2, and the first six bytes of SHA-256 over the sorted full names.
pub fn participant_hash(devices: impl IntoIterator<Item = Jid>) -> String {
    let full_name = |jid: Jid| format!("{}.0:{}@{}", jid.user, jid.device, jid.server.as_str());
    let mut names: Vec<String> = devices.into_iter().map(full_name).collect();
    names.sort_unstable();
    let digest = Sha256::digest(names.concat());
    format!("2:{}", STANDARD_NO_PAD.encode(&digest[..6]))
}

/// The hash of all devices of an account under one of its names.
pub fn account_hash(account: &Account, addressing: Addressing) -> String {
    participant_hash(account.devices().map(|at| account.jid(at.device, addressing)))
}

/// What the acknowledgement of a client's message says when the client does not know the present devices: the
/// hash that it should have come to. `None` when its list is right, or when the message says nothing of a list.
pub fn drift(tx: &Tx<'_>, sender: &Address, message: &Node) -> Option<String> {
    let to = message.jid("to")?;
    match to.server {
        Server::Group => drift_in_group(tx, &to, message),
        Server::Pn | Server::Lid => drift_with_person(tx, sender, &to, message),
        _ => None,
    }
}

/// A message to a person names each device that it goes to, the sender's own others included.
fn drift_with_person(tx: &Tx<'_>, sender: &Address, to: &Jid, message: &Node) -> Option<String> {
    // What is meant for one device says nothing of the others.
    if message.text("category") == "peer" || message.text("device_fanout") == "false" {
        return None;
    }
    let named = message.child("participants")?.nodes().iter();
    let mut reached: BTreeSet<Address> = named.filter_map(|to| tx.world.resolve(&to.jid("jid")?)).collect();
    reached.remove(sender);
    let numbers = BTreeSet::from([tx.world.resolve(to)?.number, sender.number.clone()]);
    let accounts = numbers.iter().filter_map(|number| tx.world.accounts.get(number));
    let mut devices: BTreeSet<Address> = accounts.flat_map(Account::devices).collect();
    devices.remove(sender);
    let jids = devices.iter().filter_map(|device| tx.world.jid(device, Addressing::of(to)));
    (reached != devices).then(|| participant_hash(jids))
}

/// A message to a group is sealed once for all; its sender states the hash of all members' devices.
fn drift_in_group(tx: &Tx<'_>, to: &Jid, message: &Node) -> Option<String> {
    let stated = message.text("phash");
    let group = tx.world.groups.get(to.user.as_str()).filter(|_| !stated.is_empty())?;
    let members = group.members.iter().filter_map(|number| tx.world.accounts.get(number));
    let devices = members.flat_map(|account| {
        account.devices().map(|at| account.jid(at.device, Addressing::Lid)).collect::<Vec<_>>()
    });
    let present = participant_hash(devices);
    (present != stated).then_some(present)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known values, as WhatsApp Web computes them.
    #[test]
    fn the_hash_is_that_of_other_implementations() {
        let of = |devices: &[(&str, u16)]| {
            participant_hash(devices.iter().map(|(user, device)| Jid::pn_device(*user, *device)))
        };
        assert_eq!(of(&[("5511999999999", 0)]), "2:RJWVxcMQ");
        assert_eq!(of(&[("5511999999999", 3)]), "2:5s+YxCff");
        let both = [("7469250125917", 21), ("5511988887777", 14)];
        assert_eq!(of(&both), "2:AAv/hwhn");
    }
}
