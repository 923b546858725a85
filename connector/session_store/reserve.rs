//! Sending chains that are reserved ahead, so that most sends need no write.
//!
//! A message key follows from its chain's key and counter, and must never seal two messages (Signal, "The
//! Double Ratchet Algorithm", 2.2 and 2.4). So before a message leaves, what is stored must rule its counter
//! out for good. The library reserves counters for this: a record says up to which counter they may be in
//! use (its counter lease, 64 at a time), and a record that comes from storage goes on there, however far it
//! had got. So a record that differs from the stored one only in how far its sending chain has got, within
//! what is reserved, need not be stored: who reads the one gets exactly what it would get from the other.
//!
//! Records are taken apart as bytes, so that whatever else differs is seen, known here or not.

use bytes::Bytes;
use whatsapp_rust::wacore::libsignal::protocol::ChainKey;

use super::wire::{Fields, Malformed, Value};

/// The fields that lead to the key of the sending chain.
pub(super) type Path = &'static [u32];

/// `RecordStructure.currentSession.senderChain.chainKey`.
pub(super) const IN_SESSION: Path = &[1, 6, 3];

/// `SenderKeyRecordStructure.senderKeyStates.senderChainKey`. Our own sender key has one state.
pub(super) const IN_SENDER_KEY: Path = &[1, 2];

/// The library's field for the first counter that is not reserved (`COUNTER_RESERVATION_FIELD`).
const RESERVED: u32 = 100;

/// The library's field for the cache that wrote the record (`STORE_INCARNATION_FIELD`). That cache trusts the
/// record to be exact when it reads it again, and does not go on at the reserved counter.
const WRITTEN_BY: u32 = 101;

/// The most that may be left of what is reserved. The library reserves 64 at a time; when much more is left, it
/// takes the record for damaged, so nothing is left to that.
const MAX_RESERVED: u32 = 256;

/// How far a sending chain has got, and up to where it is reserved.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SendingChain {
    /// The counter of the next message.
    index: u32,
    key: [u8; 32],
    /// The first counter that is not reserved.
    reserved: u32,
}

impl SendingChain {
    /// Whether `later` is this chain, some messages later, and all of them were reserved.
    pub(super) fn reaches(&self, later: &Self) -> bool {
        if self == later {
            return true;
        }
        let within = self.index <= later.index && later.index <= self.reserved;
        if !within || self.reserved != later.reserved || self.reserved - self.index > MAX_RESERVED {
            return false;
        }
        let mut chain = ChainKey::new(self.key, self.index);
        while chain.index() < later.index {
            let Ok(next) = chain.next_chain_key() else { return false };
            chain = next;
        }
        *chain.key() == later.key
    }
}

/// A record, taken apart.
pub(super) struct Record<'a> {
    /// All of it but the key of the sending chain and the mark of the cache.
    pub rest: Vec<&'a [u8]>,
    /// None when it cannot send.
    pub chain: Option<SendingChain>,
}

impl<'a> Record<'a> {
    /// Fails when the record does not look as expected: then it counts as a whole.
    pub(super) fn take_apart(record: &'a [u8], path: Path) -> Result<Self, Malformed> {
        let mut rest = Vec::new();
        let chain = cut_out(record, path, &mut rest)?;
        let mut reserved = None;
        for field in Fields(record) {
            let field = field?;
            if field.number == RESERVED && reserved.replace(number(&field.value)?).is_some() {
                return Err(Malformed);
            }
        }
        let reserved = reserved.unwrap_or_default();
        Ok(Self { rest, chain: chain.map(|(index, key)| SendingChain { index, key, reserved }) })
    }
}

/// The record as it is to be stored: without the mark that would let its reader take it for exact.
pub(super) fn as_stored(record: &Bytes) -> Bytes {
    let mut kept = Vec::with_capacity(record.len());
    for field in Fields(record) {
        match field {
            Ok(field) if field.number == WRITTEN_BY => {}
            Ok(field) => kept.extend_from_slice(field.whole),
            // Nothing that the library can read.
            Err(Malformed) => return record.clone(),
        }
    }
    kept.into()
}

type KeyAndCounter = (u32, [u8; 32]);

/// Answers what the path leads to, and collects everything beside it.
fn cut_out<'a>(
    message: &'a [u8],
    path: Path,
    rest: &mut Vec<&'a [u8]>,
) -> Result<Option<KeyAndCounter>, Malformed> {
    let Some((step, further)) = path.split_first() else { return chain_key(message).map(Some) };
    let (mut found, mut seen) = (None, false);
    for field in Fields(message) {
        let field = field?;
        if field.number == *step {
            let Value::Bytes(content) = field.value else { return Err(Malformed) };
            if std::mem::replace(&mut seen, true) {
                return Err(Malformed);
            }
            // No field is empty, so this tells what is inside from what is around it.
            rest.push(&[]);
            found = cut_out(content, further, rest)?;
            rest.push(&[]);
        } else if field.number != WRITTEN_BY {
            rest.push(field.whole);
        }
    }
    Ok(found)
}

/// `ChainKey` of a session and `SenderChainKey` of a sender key look the same.
fn chain_key(message: &[u8]) -> Result<KeyAndCounter, Malformed> {
    let (mut index, mut key) = (None, None);
    for field in Fields(message) {
        let field = field?;
        let again = match field.number {
            1 => index.replace(number(&field.value)?).is_some(),
            2 => {
                let Value::Bytes(bytes) = field.value else { return Err(Malformed) };
                key.replace(bytes.try_into().map_err(|_| Malformed)?).is_some()
            }
            _ => true,
        };
        if again {
            return Err(Malformed);
        }
    }
    Ok((index.unwrap_or_default(), key.ok_or(Malformed)?))
}

fn number(value: &Value<'_>) -> Result<u32, Malformed> {
    let Value::Varint(number) = value else { return Err(Malformed) };
    u32::try_from(*number).map_err(|_| Malformed)
}
