//! `w:g2`: requests about groups.

use wacore_binary::Node;

use crate::whatsapp::{
    address::{Address, group_jid},
    groups::{self, group_node},
    node::{NodeExt, error, node, result},
    state::{Tx, rows::GroupRow},
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
    let named = create.nodes().iter().filter(|child| child.tag == "participant");
    let others: Vec<String> =
        named.filter_map(|member| Some(tx.world.resolve(&member.jid("jid")?)?.number)).collect();
    let group = groups::create(tx, client, &create.text("subject"), &others);
    result(iq, [group_node(tx, &group)])
}

fn query(tx: &Tx<'_>, client: &Address, iq: &Node) -> Node {
    match own_group(tx, client, iq) {
        Ok(group) => result(iq, [group_node(tx, &group)]),
        Err((code, text)) => error(iq, code, text),
    }
}

fn rename(tx: &mut Tx<'_>, client: &Address, iq: &Node, subject: &Node) -> Node {
    let group = match own_group(tx, client, iq) {
        Ok(group) => group,
        Err((code, text)) => return error(iq, code, text),
    };
    groups::rename(tx, client, group, String::from_utf8_lossy(&subject.content_bytes()).into_owned());
    result(iq, [])
}

fn leave(tx: &mut Tx<'_>, client: &Address, iq: &Node, leave: &Node) -> Node {
    let left: Vec<Node> = leave
        .nodes()
        .iter()
        .map(|child| {
            let jid = child.jid("id").unwrap_or_else(|| group_jid(&child.text("id")));
            groups::leave(tx, &client.number, jid.user.as_str());
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
