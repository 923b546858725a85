//! Copies of messages: sent ones, in case somebody asks for them again, and arrived ones that Kurir has
//! not stored yet.
//!
//! Both are there for a short while only, so they are packed for few writes. Sent messages fill up
//! small segments that are written now and then, and go when all of them have expired. An arrived message
//! must be durable at once; it takes a free slot, and when it is done the slot's row stays as it is until
//! another message overwrites it, or is deleted when none came. A copy found after a crash does no harm: it
//! is used only when WhatsApp delivers the message again, and then the inbox knows it already.

use std::collections::BTreeSet;

use whatsapp_rust::wacore::store::traits::{PendingInboundKey, PendingInboundRow};

use super::{
    Touched,
    image::Image,
    rows::{PendingPiece, RowName, SentMessage},
};

/// About what fits in one write unit, with names and seal.
const SEGMENT_BYTES: usize = 850;

/// So many sent messages are kept at most.
const MAX_SENT: usize = 2048;

/// What is put in one slot when much arrives at once; also the largest piece of a message.
const SLOT_BYTES: usize = 200 * 1024;

pub(super) fn keep_sent(
    image: &mut Image,
    touched: &mut Touched,
    chat: &str,
    id: &str,
    payload: &[u8],
    now: i64,
) {
    if copy_of(image, chat, id).is_some_and(|kept| kept == payload) {
        return;
    }
    drop_sent(image, touched, chat, id);
    let message =
        SentMessage { chat: chat.to_owned(), id: id.to_owned(), payload: payload.to_vec(), stored_at: now };
    let size = |messages: &[SentMessage]| messages.iter().map(prost::Message::encoded_len).sum::<usize>();
    let (last, filled) =
        image.sent.last_key_value().map_or((0, 0), |(segment, messages)| (*segment, size(messages)));
    let fits = filled + size(std::slice::from_ref(&message)) <= SEGMENT_BYTES;
    let segment = if fits { last } else { last.wrapping_add(1) };
    image.sent.entry(segment).or_default().push(message);
    touched.later.insert(RowName::Sent(segment));
    while image.sent.values().map(Vec::len).sum::<usize>() > MAX_SENT
        && let Some((oldest, _)) = image.sent.pop_first()
    {
        touched.later.insert(RowName::Sent(oldest));
    }
}

fn drop_sent(image: &mut Image, touched: &mut Touched, chat: &str, id: &str) {
    let wanted = |message: &SentMessage| message.id == id && message.chat == chat;
    let held = image.sent.iter_mut().find(|(_, messages)| messages.iter().any(wanted));
    let Some((&segment, messages)) = held else { return };
    messages.retain(|message| !wanted(message));
    touched.later.insert(RowName::Sent(segment));
    if messages.is_empty() {
        image.sent.remove(&segment);
    }
}

/// The copy of a message in a chat.
pub(super) fn copy_of<'a>(image: &'a Image, chat: &str, id: &str) -> Option<&'a [u8]> {
    let mut all = image.sent.values().flatten();
    let message = all.find(|message| message.id == id && message.chat == chat)?;
    Some(&message.payload)
}

pub(super) fn find_sent<'a>(image: &'a Image, id: &str) -> Option<&'a [u8]> {
    let message = image.sent.values().flatten().find(|message| message.id == id)?;
    Some(&message.payload)
}

pub(super) fn expire_sent(image: &mut Image, touched: &mut Touched, cutoff: i64) -> u32 {
    let mut gone = 0;
    image.sent.retain(|segment, messages| {
        let expired = messages.iter().all(|message| message.stored_at < cutoff);
        if expired {
            gone += messages.len();
            touched.later.insert(RowName::Sent(*segment));
        }
        !expired
    });
    u32::try_from(gone).unwrap_or(u32::MAX)
}

pub(super) fn keep_pending(
    image: &mut Image,
    touched: &mut Touched,
    rows: &[PendingInboundRow<'_>],
    now: i64,
) {
    let keys: Vec<_> =
        rows.iter().map(|row| PendingInboundKey { chat: row.chat, sender: row.sender, id: row.id }).collect();
    drop_pending(image, touched, &keys);
    let mut slot = Vec::new();
    let mut filled = 0;
    for piece in rows.iter().flat_map(|row| pieces_of(row, now)) {
        if filled + piece.bytes.len() > SLOT_BYTES && !slot.is_empty() {
            fill_slot(image, touched, std::mem::take(&mut slot));
            filled = 0;
        }
        filled += piece.bytes.len();
        slot.push(piece);
    }
    if !slot.is_empty() {
        fill_slot(image, touched, slot);
    }
}

pub(super) fn pending(image: &Image, key: &PendingInboundKey<'_>) -> Option<Vec<u8>> {
    let mut pieces: Vec<_> = image.pending.values().flatten().filter(|piece| is_of(piece, key)).collect();
    pieces.sort_by_key(|piece| piece.part);
    let complete = pieces.first()?.parts as usize == pieces.len();
    complete.then(|| pieces.into_iter().flat_map(|piece| piece.bytes.iter().copied()).collect())
}

pub(super) fn drop_pending(image: &mut Image, touched: &mut Touched, keys: &[PendingInboundKey<'_>]) {
    drop_pieces(image, &mut touched.spare, |piece| keys.iter().any(|key| is_of(piece, key)));
}

pub(super) fn expire_pending(image: &mut Image, touched: &mut Touched, cutoff: i64) -> u32 {
    drop_pieces(image, &mut touched.later, |piece| piece.stored_at < cutoff)
}

/// Answers how many messages, counting one in several pieces once.
fn drop_pieces(
    image: &mut Image,
    touched: &mut BTreeSet<RowName>,
    unwanted: impl Fn(&PendingPiece) -> bool,
) -> u32 {
    let mut gone = 0;
    image.pending.retain(|slot, pieces| {
        let before = pieces.len();
        gone += pieces.iter().filter(|piece| piece.part == 0 && unwanted(piece)).count();
        pieces.retain(|piece| !unwanted(piece));
        if pieces.len() < before {
            touched.insert(RowName::Pending(*slot));
        }
        !pieces.is_empty()
    });
    u32::try_from(gone).unwrap_or(u32::MAX)
}

fn fill_slot(image: &mut Image, touched: &mut Touched, pieces: Vec<PendingPiece>) {
    let free = (0..).find(|slot| !image.pending.contains_key(slot)).unwrap_or_default();
    image.pending.insert(free, pieces);
    touched.now.insert(RowName::Pending(free));
}

fn pieces_of(row: &PendingInboundRow<'_>, now: i64) -> Vec<PendingPiece> {
    let parts: Vec<&[u8]> =
        if row.message.is_empty() { vec![&[]] } else { row.message.chunks(SLOT_BYTES).collect() };
    let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
    let piece = |(part, bytes): (u32, &&[u8])| PendingPiece {
        chat: row.chat.to_owned(),
        sender: row.sender.to_owned(),
        id: row.id.to_owned(),
        part,
        parts: count,
        bytes: bytes.to_vec(),
        stored_at: now,
    };
    (0..).zip(&parts).map(piece).collect()
}

fn is_of(piece: &PendingPiece, key: &PendingInboundKey<'_>) -> bool {
    piece.id == key.id && piece.chat == key.chat && piece.sender == key.sender
}
