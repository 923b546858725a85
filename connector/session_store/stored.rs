//! What is known of the rows as they are stored, so that a row is written only when something depends on it.

use std::collections::HashMap;

use prost::Message;
use shared::crypto::digest_of;

use super::{
    reserve::{IN_SENDER_KEY, IN_SESSION, Path, Record, SendingChain},
    rows::{NamedRow, PeerRow, kind, kind_of},
};

/// What tells a row's content from another: a digest of it, in which records of the library count without how
/// far their sending chains have got, and these chains.
pub(super) struct Footprint {
    digest: [u8; 32],
    chains: Vec<SendingChain>,
}

impl Footprint {
    pub(super) fn of(sort_key: &str, content: &[u8]) -> Self {
        let taken_apart = match kind_of(sort_key) {
            kind::PEER => PeerRow::decode(content).ok().map(|row| Self::of_peer(&row)),
            kind::SENDER_KEY => NamedRow::decode(content).ok().map(|row| Self::of_sender_key(&row)),
            _ => None,
        };
        taken_apart.unwrap_or_else(|| Self { digest: digest_of(&[content]), chains: Vec::new() })
    }

    fn of_peer(row: &PeerRow) -> Self {
        let mut chains = Vec::new();
        let mut devices = Vec::new();
        for device in &row.devices {
            let session =
                device.session.as_ref().map(|session| digest_of_record(session, IN_SESSION, &mut chains));
            let identity = device.identity.as_deref();
            devices.push(digest_of(&[
                device.address.as_bytes(),
                &[u8::from(identity.is_some()), u8::from(session.is_some())],
                identity.unwrap_or_default(),
                session.as_ref().map_or(&[], |digest| digest),
            ]));
        }
        Self { digest: digest_of(&[row.name.as_bytes(), devices.as_flattened()]), chains }
    }

    fn of_sender_key(row: &NamedRow) -> Self {
        let mut chains = Vec::new();
        let record = digest_of_record(&row.record, IN_SENDER_KEY, &mut chains);
        Self { digest: digest_of(&[row.name.as_bytes(), &record]), chains }
    }

    /// Whether it makes no difference after a crash which of the two was stored, this or what it became later.
    fn stands_for(&self, later: &Self) -> bool {
        self.digest == later.digest
            && self.chains.len() == later.chains.len()
            && self.chains.iter().zip(&later.chains).all(|(chain, later)| chain.reaches(later))
    }
}

fn digest_of_record(record: &[u8], path: Path, chains: &mut Vec<SendingChain>) -> [u8; 32] {
    let Ok(parts) = Record::take_apart(record, path) else { return digest_of(&[record]) };
    chains.extend(parts.chain);
    digest_of(&parts.rest)
}

/// The rows of a device as they are stored. A row that is not in here does not exist.
#[derive(Default)]
pub(super) struct Stored {
    rows: HashMap<String, Known>,
    submitted: u64,
}

enum Known {
    /// What is stored, or what it stands for.
    Content(Footprint),
    /// A write of it is under way, or nobody knows how it ended: the number of the last one.
    Uncertain(u64),
}

/// A row that was handed in for writing.
pub(super) struct Submitted {
    name: String,
    number: u64,
    footprint: Option<Footprint>,
}

impl Stored {
    /// Takes note of a row that was read.
    pub(super) fn loaded(&mut self, sort_key: &str, content: &[u8]) {
        self.rows.insert(sort_key.to_owned(), Known::Content(Footprint::of(sort_key, content)));
    }

    /// Whether writing this content (`None` deletes the row) would make no difference.
    pub(super) fn has(&mut self, sort_key: &str, content: Option<&Footprint>) -> bool {
        match (self.rows.get_mut(sort_key), content) {
            (None, None) => true,
            (Some(Known::Content(stored)), Some(content)) if stored.stands_for(content) => {
                // So that a chain is followed from where it was seen last.
                stored.chains.clone_from(&content.chains);
                true
            }
            _ => false,
        }
    }

    /// Takes note that a row is about to be written.
    pub(super) fn submit(&mut self, name: String, footprint: Option<Footprint>) -> Submitted {
        self.submitted += 1;
        self.rows.insert(name.clone(), Known::Uncertain(self.submitted));
        Submitted { name, number: self.submitted, footprint }
    }

    /// Takes note that a row is durable. Of several writes of a row only the last one tells what is stored.
    pub(super) fn durable(&mut self, row: Submitted) {
        let last =
            matches!(self.rows.get(&row.name), Some(Known::Uncertain(number)) if *number == row.number);
        match row.footprint {
            _ if !last => {}
            Some(footprint) => drop(self.rows.insert(row.name, Known::Content(footprint))),
            None => drop(self.rows.remove(&row.name)),
        }
    }
}
