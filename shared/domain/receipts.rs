//! Who of a group has a message.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::jid::Jid;

/// The members of a group whose phones have a message, and those who read it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Receipts {
    /// How many phones have it.
    pub delivered: u32,
    /// How many members read it.
    pub read: u32,
    /// Who has it, those who read it among them.
    pub delivered_to: Vec<Jid>,
    /// Who read it.
    pub read_by: Vec<Jid>,
}

impl Receipts {
    /// The most members that are kept of a message: no group has more.
    pub const MAX_MEMBERS: usize = 1_024;

    /// Of these members. Whoever read a message has it.
    pub fn of(delivered_to: impl IntoIterator<Item = Jid>, read_by: impl IntoIterator<Item = Jid>) -> Self {
        let read_by: BTreeSet<Jid> = read_by.into_iter().collect();
        let delivered_to: BTreeSet<Jid> = delivered_to.into_iter().chain(read_by.iter().cloned()).collect();
        let (delivered_to, read_by) = (Vec::from_iter(delivered_to), Vec::from_iter(read_by));
        let count = |jids: &[Jid]| u32::try_from(jids.len()).unwrap_or(u32::MAX);
        Self { delivered: count(&delivered_to), read: count(&read_by), delivered_to, read_by }
    }
}
