//! What a device sent of late. It is written to the store with each send, so it is small: the stored form has
//! six or seven bytes for each.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::Pacing;
use crate::{clock::Timestamp, crypto, domain::jid::Jid};

pub(super) const MINUTE_MS: u64 = 60_000;
pub(super) const HOUR_MS: u64 = 3_600_000;

/// The year 9999: nothing is sent after it.
const END_OF_TIME: u64 = 253_402_300_799_999;

/// The first byte of the stored form.
const VERSION: u8 = 1;

/// More is never kept, so that a log always fits into its row. Only a device that has a limit for each
/// recipient and none for all together can send so much within an hour.
const MAX_SENDS: usize = 20_000;

/// What a device sent of late, as far as its limits need it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SendLog {
    /// In the order of time.
    sends: Vec<Send>,
}

/// One send. The order is that of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Send {
    /// Milliseconds since 1970.
    at: u64,
    recipient: u32,
}

impl SendLog {
    /// Writes down a send, and forgets what no limit needs any more. A send that is written down already is
    /// the same send.
    pub fn record(&mut self, at: Timestamp, recipient: &Jid, pacing: &Pacing) {
        let send = Send { at: millis(at), recipient: mark(recipient) };
        if let Err(place) = self.sends.binary_search(&send) {
            self.sends.insert(place, send);
        }
        self.forget(pacing);
    }

    /// The latest send.
    pub fn last_at(&self) -> Option<Timestamp> {
        self.sends.last().map(|send| timestamp(send.at))
    }

    /// The latest send, in milliseconds since 1970.
    pub(super) fn last(&self) -> Option<u64> {
        self.sends.last().map(|send| send.at)
    }

    /// Whether something went to `recipient` in just this millisecond.
    pub(super) fn has(&self, at: u64, recipient: &Jid) -> bool {
        self.sends.binary_search(&Send { at, recipient: mark(recipient) }).is_ok()
    }

    /// When the last send but `limit` was, counted from the latest: as long as it lies in a window, the
    /// window has `limit` sends. `None` when there are fewer, or no limit.
    pub(super) fn nth_last(&self, limit: u32, recipient: Option<&Jid>) -> Option<u64> {
        let behind = usize::try_from(limit.checked_sub(1)?).ok()?;
        match recipient.map(mark) {
            None => Some(self.sends.get(self.sends.len().checked_sub(behind + 1)?)?.at),
            Some(mark) => {
                self.sends.iter().rev().filter(|send| send.recipient == mark).nth(behind).map(|send| send.at)
            }
        }
    }

    /// Keeps what lies in the longest window that is limited, and the latest send for the pause behind it.
    fn forget(&mut self, pacing: &Pacing) {
        let Some(last) = self.last() else { return };
        let window = pacing.longest_window();
        let gone = self.sends.partition_point(|send| send.at + window <= last);
        let gone = gone.max(self.sends.len().saturating_sub(MAX_SENDS)).min(self.sends.len() - 1);
        self.sends.drain(..gone);
    }

    /// Each send as the milliseconds since the one before it, seven bits a byte with the lowest first, and four
    /// bytes for the recipient.
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 + self.sends.len() * 7);
        bytes.push(VERSION);
        let mut before = 0;
        for send in &self.sends {
            let mut pause = send.at - before;
            while pause >= 0x80 {
                bytes.push((pause & 0x7f) as u8 | 0x80);
                pause >>= 7;
            }
            bytes.push((pause & 0x7f) as u8);
            bytes.extend(send.recipient.to_be_bytes());
            before = send.at;
        }
        bytes
    }

    /// The log of this stored form; `None` when it is of another version, or of none.
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&VERSION, mut rest) = bytes.split_first()? else { return None };
        let (mut sends, mut at) = (Vec::new(), 0_u64);
        while !rest.is_empty() {
            let (mut pause, mut shift) = (0, 0);
            loop {
                let (&byte, after) = rest.split_first()?;
                rest = after;
                // Seven bytes reach beyond the end of time.
                if shift > 42 {
                    return None;
                }
                pause |= u64::from(byte & 0x7f) << shift;
                shift += 7;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            let (recipient, after) = rest.split_first_chunk::<4>()?;
            rest = after;
            at = at.checked_add(pause).filter(|at| *at <= END_OF_TIME)?;
            sends.push(Send { at, recipient: u32::from_be_bytes(*recipient) });
        }
        Some(Self { sends })
    }
}

impl Pacing {
    /// The longest window that anything is limited in, in milliseconds; zero when there is none.
    fn longest_window(&self) -> u64 {
        match (self.per_hour, self.per_recipient_per_hour, self.per_minute) {
            (0, 0, 0) => 0,
            (0, 0, _) => MINUTE_MS,
            _ => HOUR_MS,
        }
    }
}

/// Milliseconds since 1970; nothing is sent before that.
pub(super) fn millis(at: Timestamp) -> u64 {
    u64::try_from(at.unix_millis()).unwrap_or_default()
}

pub(super) fn timestamp(millis: u64) -> Timestamp {
    Timestamp::from_unix_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

/// What stands for a recipient: the same in every version and on every machine. That two recipients share
/// one is rare, and does no more than to let one wait for the other.
fn mark(recipient: &Jid) -> u32 {
    let digest = crypto::digest_of(&[b"recipient", recipient.to_string().as_bytes()]);
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

impl Serialize for SendLog {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.to_bytes())
    }
}

impl<'de> Deserialize<'de> for SendLog {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(Bytes)
    }
}

/// Reads the stored form. What cannot be understood is an empty log: a message too early does less harm than
/// a device that never sends again.
struct Bytes;

impl<'de> de::Visitor<'de> for Bytes {
    type Value = SendLog;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes of a log of sends")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<SendLog, E> {
        Ok(SendLog::from_bytes(bytes).unwrap_or_default())
    }

    // Formats without bytes have a list of numbers in their place.
    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<SendLog, A::Error> {
        let mut bytes = Vec::with_capacity(list.size_hint().unwrap_or_default());
        while let Some(byte) = list.next_element::<u8>()? {
            bytes.push(byte);
        }
        self.visit_bytes(&bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pacing::tests::{jid, unlimited};
    use proptest::prelude::*;

    fn at(millis: u64) -> Timestamp {
        timestamp(1_790_000_000_000 + millis)
    }

    fn log_of(sends: &[(u64, u8)], pacing: &Pacing) -> SendLog {
        let mut log = SendLog::default();
        for (millis, recipient) in sends {
            log.record(at(*millis), &jid(*recipient), pacing);
        }
        log
    }

    #[test]
    fn only_the_last_send_is_kept_when_there_are_only_pauses() {
        let pacing = Pacing { min_delay_ms: 1, max_delay_ms: 2, ..unlimited() };
        let log = log_of(&[(0, 1), (5, 2), (3, 3)], &pacing);
        assert_eq!((log.sends.len(), log.last_at()), (1, Some(at(5))));
    }

    #[test]
    fn what_the_longest_limited_window_has_left_behind_is_forgotten() {
        let minute = Pacing { per_minute: 5, ..unlimited() };
        assert_eq!(log_of(&[(0, 1), (1, 1), (60_000, 1)], &minute).sends.len(), 2);
        let hour = Pacing { per_recipient_per_hour: 5, ..minute };
        assert_eq!(log_of(&[(0, 1), (1, 1), (60_000, 1)], &hour).sends.len(), 3);
        assert_eq!(log_of(&[(0, 1), (1, 1), (3_600_000, 1)], &hour).sends.len(), 2);
    }

    #[test]
    fn a_send_that_is_written_down_twice_is_one() {
        let pacing = Pacing { per_hour: 5, ..unlimited() };
        assert_eq!(log_of(&[(7, 1), (9, 2), (7, 1), (7, 2)], &pacing).sends.len(), 3);
    }

    #[test]
    fn the_stored_form_has_six_or_seven_bytes_a_send_and_the_last_version_reads_it() {
        let pacing = Pacing::default();
        let log = log_of(&(0..100).map(|n| (u64::from(n) * 36_000, n)).collect::<Vec<_>>(), &pacing);
        assert_eq!(log.sends.len(), 100);
        assert!(log.to_bytes().len() <= 720, "{}", log.to_bytes().len());
        // The marks must not change: a stored log would be worthless.
        let one = SendLog { sends: vec![Send { at: 300, recipient: 0x0102_0304 }] };
        assert_eq!(one.to_bytes(), [1, 0xac, 0x02, 1, 2, 3, 4]);
        assert_eq!(mark(&jid(1)), 0x817a_cffc);
    }

    #[test]
    fn what_cannot_be_understood_is_an_empty_log() {
        for bytes in
            [&[][..], &[2, 1, 1, 1, 1, 1], &[1, 0x80], &[1, 5, 0, 0], &[1; 3], &[0xff; 40], &[1, 0xff]]
        {
            assert_eq!(SendLog::from_bytes(bytes).unwrap_or_default(), SendLog::default(), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn a_log_reads_back_as_it_was_written(sends in prop::collection::vec((0u64..4_000_000, 0u8..9), 0..60)) {
            let log = log_of(&sends, &Pacing { per_hour: 9_999, ..unlimited() });
            prop_assert_eq!(SendLog::from_bytes(&log.to_bytes()), Some(log.clone()));
            let stored = serde_dynamo::to_attribute_value::<_, aws_sdk_dynamodb::types::AttributeValue>(&log).unwrap();
            prop_assert!(stored.is_b());
            prop_assert_eq!(&serde_dynamo::from_attribute_value::<_, SendLog>(stored).unwrap(), &log);
            let json = serde_json::to_value(&log).unwrap();
            prop_assert_eq!(&serde_json::from_value::<SendLog>(json).unwrap(), &log);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = SendLog::from_bytes(&bytes);
        }

        #[test]
        fn the_order_of_writing_does_not_matter(sends in prop::collection::vec((0u64..3_000_000, 0u8..9), 1..40)) {
            let pacing = Pacing { per_hour: 9_999, ..unlimited() };
            let mut sorted = sends.clone();
            sorted.sort_unstable();
            prop_assert_eq!(log_of(&sends, &pacing), log_of(&sorted, &pacing));
        }
    }
}
