//! Whom a stanza for a phone is from, and which chat it belongs to.

use wacore_binary::{Jid, Node, Server};

use crate::whatsapp::{
    address::Address,
    node::NodeExt,
    state::{Tx, rows::MessageKey},
};

/// Where a message or a receipt comes from.
pub struct Origin {
    pub sender: Address,
    /// The group it came through.
    pub group: Option<Jid>,
    /// The number of the other side, or the group's JID.
    pub chat: String,
}

impl Origin {
    /// What the phone of `number` takes from a stanza.
    pub fn of(tx: &Tx<'_>, number: &str, stanza: &Node) -> Option<Self> {
        let from = stanza.jid("from")?;
        if from.server == Server::Group {
            let sender = tx.world.resolve(&stanza.jid("participant")?)?;
            return Some(Self { sender, chat: from.to_string(), group: Some(from) });
        }
        let sender = tx.world.resolve(&from)?;
        let other = if sender.number == number {
            // What comes from an own device says whose chat it is about.
            stanza.jid("recipient").and_then(|jid| tx.world.resolve(&jid)).unwrap_or_else(|| sender.clone())
        } else {
            sender.clone()
        };
        Some(Self { sender, group: None, chat: other.number })
    }

    /// The message of the sender's with this id.
    pub fn message(&self, id: &str) -> MessageKey {
        MessageKey { chat: self.chat.clone(), author: self.sender.number.clone(), id: id.to_owned() }
    }
}
