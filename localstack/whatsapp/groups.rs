//! Groups: who is in, what they are called, and telling the members.

use wacore_binary::Node;

use super::{
    address::{Address, Addressing, group_jid},
    crypto,
    node::node,
    queue,
    state::{
        Tx,
        rows::{GroupRow, keys},
    },
};

/// Makes a group of its creator and these others, and tells them.
pub fn create(tx: &mut Tx<'_>, creator: &Address, subject: &str, others: &[String]) -> GroupRow {
    let mut members = vec![creator.number.clone()];
    for number in others {
        if tx.world.accounts.contains_key(number) && !members.contains(number) {
            members.push(number.clone());
        }
    }
    let unique = u64::from_be_bytes(crypto::random()) % 1_000_000_000_000;
    let group = GroupRow {
        id: format!("120363{unique:012}"),
        subject: subject.to_owned(),
        members,
        created: tx.seconds(),
    };
    save(tx, &group);
    let news = node("create").attr("type", "new").attr("reason", "invite");
    tell_members(tx, creator, &group, &news.children([group_node(tx, &group)]).build());
    group
}

/// Gives a group another subject, and tells its members.
pub fn rename(tx: &mut Tx<'_>, author: &Address, mut group: GroupRow, subject: String) {
    group.subject = subject;
    save(tx, &group);
    let news = node("subject").attr("subject", group.subject.as_str()).attr("s_t", tx.seconds()).build();
    tell_members(tx, author, &group, &news);
}

/// A member goes.
pub fn leave(tx: &mut Tx<'_>, member: &str, group: &str) {
    let Some(group) = tx.world.groups.get(group).cloned() else { return };
    let members = group.members.iter().filter(|other| *other != member).cloned().collect();
    save(tx, &GroupRow { members, ..group });
}

fn save(tx: &mut Tx<'_>, group: &GroupRow) {
    tx.put(keys::group(&group.id), group);
    tx.world.groups.insert(group.id.clone(), group.clone());
}

fn tell_members(tx: &mut Tx<'_>, author: &Address, group: &GroupRow, news: &Node) {
    let accounts = group.members.iter().filter_map(|member| tx.world.accounts.get(member));
    let told: Vec<Address> = accounts.flat_map(|account| account.devices().collect::<Vec<_>>()).collect();
    let jid = |addressing| tx.world.jid(&Address::new(author.number.as_str(), 0), addressing);
    let (lid, pn) = (jid(Addressing::Lid), jid(Addressing::Pn));
    for device in told {
        if device == *author || device.is_phone() {
            continue;
        }
        let id = tx.stanza_id();
        let notification = node("notification")
            .attr("from", group_jid(&group.id))
            .attr("type", "w:gp2")
            .attr("id", id)
            .attr("participant", lid.clone().unwrap_or_default())
            .attr("participant_pn", pn.clone().unwrap_or_default())
            .attr("addressing_mode", "lid")
            .attr("t", tx.seconds())
            .children([news.clone()])
            .build();
        queue::deliver(tx, &device, notification);
    }
}

/// `<group>`: all that there is to know.
pub fn group_node(tx: &Tx<'_>, group: &GroupRow) -> Node {
    let mut creator = None;
    let mut participants = Vec::new();
    for account in group.members.iter().filter_map(|member| tx.world.accounts.get(member)) {
        let (lid, pn) = (account.jid(0, Addressing::Lid), account.jid(0, Addressing::Pn));
        let participant = node("participant").attr("jid", lid.clone()).attr("phone_number", pn.clone());
        participants.push(if creator.is_none() {
            creator = Some((lid, pn));
            participant.attr("type", "superadmin").build()
        } else {
            participant.build()
        });
    }
    let (lid, pn) = creator.unwrap_or_default();
    node("group")
        .attr("id", group.id.as_str())
        .attr("subject", group.subject.as_str())
        .attr("creation", group.created)
        .attr("creator", lid.clone())
        .attr("creator_pn", pn.clone())
        .attr("s_t", group.created)
        .attr("s_o", lid)
        .attr("s_o_pn", pn)
        .attr("addressing_mode", "lid")
        .attr("size", participants.len())
        .children(participants)
        .build()
}
