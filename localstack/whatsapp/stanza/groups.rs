//! `w:g2`: groups, as far as creating them and seeing who is in.

use wacore_binary::{Jid, Node};

use crate::whatsapp::{
    address::{Address, Addressing, group_jid},
    crypto,
    node::{NodeExt, error, node, result},
    queue,
    state::{
        Tx,
        rows::{GroupRow, keys},
    },
};

pub fn answer(tx: &mut Tx<'_>, client: &Address, iq: &Node) -> Option<Node> {
    let child = iq.nodes().first()?;
    match child.tag.as_ref() {
        "create" => Some(create(tx, client, iq, child)),
        "query" => Some(query(tx, client, iq)),
        "participating" => {
            let mine = tx.world.groups.values().filter(|group| group.members.contains(&client.number));
            let groups: Vec<Node> = mine.map(|group| group_node(tx, group)).collect();
            Some(result(iq, [node("groups").children(groups).build()]))
        }
        "subject" => Some(rename(tx, client, iq, child)),
        "leave" => Some(leave(tx, client, iq, child)),
        _ => None,
    }
}

fn create(tx: &mut Tx<'_>, client: &Address, iq: &Node, create: &Node) -> Node {
    let mut members = vec![client.number.clone()];
    for participant in create.nodes().iter().filter(|child| child.tag == "participant") {
        let member = participant.jid("jid").and_then(|jid| tx.world.resolve(&jid));
        if let Some(member) = member.filter(|member| tx.world.accounts.contains_key(&member.number))
            && !members.contains(&member.number)
        {
            members.push(member.number);
        }
    }
    let group = make(tx, client, create.text("subject"), members);
    let described = tx.world.groups.get(group.user.as_str()).map(|group| group_node(tx, group));
    result(iq, described)
}

/// Somebody makes a group, and its members hear of it.
pub fn make(tx: &mut Tx<'_>, maker: &Address, subject: String, members: Vec<String>) -> Jid {
    let unique = u64::from_be_bytes(crypto::random()) % 1_000_000_000_000;
    let group = GroupRow { id: format!("120363{unique:012}"), subject, members, created: tx.seconds() };
    let described = group_node(tx, &group);
    tx.put(keys::group(&group.id), &group);
    tx.world.groups.insert(group.id.clone(), group.clone());
    let news = node("create").attr("type", "new").attr("reason", "invite").children([described]);
    tell_members(tx, maker, &group, &news.build());
    group_jid(&group.id)
}

fn query(tx: &Tx<'_>, client: &Address, iq: &Node) -> Node {
    match own_group(tx, client, iq) {
        Ok(group) => result(iq, [group_node(tx, &group)]),
        Err((code, text)) => error(iq, code, text),
    }
}

fn rename(tx: &mut Tx<'_>, client: &Address, iq: &Node, subject: &Node) -> Node {
    let mut group = match own_group(tx, client, iq) {
        Ok(group) => group,
        Err((code, text)) => return error(iq, code, text),
    };
    group.subject = String::from_utf8_lossy(&subject.content_bytes()).into_owned();
    tx.put(keys::group(&group.id), &group);
    tx.world.groups.insert(group.id.clone(), group.clone());
    let news = node("subject").attr("subject", group.subject.as_str()).attr("s_t", tx.seconds()).build();
    tell_members(tx, client, &group, &news);
    result(iq, [])
}

fn leave(tx: &mut Tx<'_>, client: &Address, iq: &Node, leave: &Node) -> Node {
    let left: Vec<Node> = leave
        .nodes()
        .iter()
        .filter_map(|child| child.jid("id").or_else(|| Some(group_jid(&child.text("id")))))
        .map(|jid| {
            let id = jid.user.as_str();
            if let Some(group) = tx.world.groups.get_mut(id) {
                group.members.retain(|member| *member != client.number);
                let row = group.clone();
                tx.put(keys::group(id), &row);
            }
            node("group").attr("id", jid).build()
        })
        .collect();
    result(iq, [node("leave").children(left).build()])
}

fn own_group(tx: &Tx<'_>, client: &Address, iq: &Node) -> Result<GroupRow, (u16, &'static str)> {
    let id = iq.jid("to").map(|jid| jid.user.to_string()).unwrap_or_default();
    let group = tx.world.groups.get(&id).ok_or((404, "item-not-found"))?;
    if group.members.contains(&client.number) { Ok(group.clone()) } else { Err((403, "forbidden")) }
}

fn tell_members(tx: &mut Tx<'_>, client: &Address, group: &GroupRow, news: &Node) {
    let accounts = group.members.iter().filter_map(|member| tx.world.accounts.get(member));
    let told: Vec<Address> = accounts.flat_map(|account| account.devices().collect::<Vec<_>>()).collect();
    let author = |addressing| tx.world.jid(&Address::new(client.number.as_str(), 0), addressing);
    let (lid, pn) = (author(Addressing::Lid), author(Addressing::Pn));
    for device in told {
        if device == *client || device.is_phone() {
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

fn group_node(tx: &Tx<'_>, group: &GroupRow) -> Node {
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
