//! What a library logs. Some of its lines tell what is normal and is dealt with: they are counted, and said in our
//! words once a minute. And none shows keys, or whole numbers of people.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
    io,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
};
use tracing_log::NormalizeEvent;
use tracing_subscriber::{Layer, fmt::MakeWriter, layer::Context};

/// How often what is normal is said.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// The target under which the `log` crate's lines arrive: libraries use that crate, and nothing of ours does.
const LOG_CRATE: &str = "log";

/// From so many digits on, a number may be somebody's: a phone number has seven at least.
const LONG_NUMBER: usize = 7;
/// How many of them are shown, so that lines of one person can be told from those of another.
const SHOWN_DIGITS: usize = 3;

/// From so many hexadecimal digits on, a text may be a key. Ids of messages are shorter.
const LONG_HEX: usize = 32;

/// Lines of a library that tell what is normal.
#[derive(Debug, Clone, Copy)]
pub struct Normal {
    /// How it is said.
    pub said: &'static str,
    /// The lines: how the target begins, and a text that the line has.
    pub lines: &'static [(&'static str, &'static str)],
}

/// Counts normal lines in place of showing them.
pub(super) struct Counted {
    normal: &'static [Normal],
    /// Of each: how often since it was last said, and when that was.
    counts: Mutex<Vec<(u64, Option<Instant>)>>,
}

impl Counted {
    pub fn new(normal: &'static [Normal]) -> Self {
        Self { normal, counts: Mutex::new(vec![(0, None); normal.len()]) }
    }

    /// Which of the normal things a line tells.
    fn find(&self, target: &str, message: &str) -> Option<usize> {
        let tells = |(start, text): &(&str, &str)| target.starts_with(start) && message.contains(text);
        self.normal.iter().position(|normal| normal.lines.iter().any(tells))
    }

    /// Counts one; says how many are to be told of now.
    fn count(&self, which: usize, now: Instant) -> Option<u64> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, said) = &mut counts[which];
        *count += 1;
        if said.is_some_and(|said| now.duration_since(said) < SAID_EVERY) {
            return None;
        }
        *said = Some(now);
        Some(std::mem::take(count))
    }
}

impl<S: Subscriber> Layer<S> for Counted {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        if event.metadata().target() != LOG_CRATE {
            return true;
        }
        let normalized = event.normalized_metadata();
        let target = normalized.as_ref().map_or(LOG_CRATE, |metadata| metadata.target());
        let mut message = Message::default();
        event.record(&mut message);
        let Some(which) = self.find(target, &message.0) else { return true };
        if let Some(times) = self.count(which, Instant::now()) {
            let said = self.normal[which].said;
            tracing::info!(times, "{said}");
        }
        false
    }
}

#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            _ = write!(self.0, "{value:?}");
        }
    }
}

/// Writes to standard error, libraries' lines without what is not for everybody.
pub(super) struct Masked;

/// One line on its way.
pub(super) struct Line {
    mask: bool,
}

impl<'a> MakeWriter<'a> for Masked {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line { mask: true }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line {
        Line { mask: metadata.target() == LOG_CRATE }
    }
}

impl io::Write for Line {
    /// Takes a whole line, as the formatter writes it.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut stderr = io::stderr().lock();
        match self.mask {
            true => stderr.write_all(masked(&String::from_utf8_lossy(line)).as_bytes())?,
            false => stderr.write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// A text without long numbers and keys.
fn masked(text: &str) -> Cow<'_, str> {
    let mut masked = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_hexdigit()) {
        let (before, from) = rest.split_at(start);
        let (word, after) = from.split_at(from.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(from.len()));
        masked.push_str(before);
        match word.len() >= LONG_HEX {
            true => masked.push('…'),
            false => push_without_numbers(&mut masked, word),
        }
        rest = after;
    }
    if masked == text[..text.len() - rest.len()] {
        return Cow::Borrowed(text);
    }
    masked.push_str(rest);
    Cow::Owned(masked)
}

fn push_without_numbers(masked: &mut String, word: &str) {
    for part in word.split_inclusive(|c: char| !c.is_ascii_digit()) {
        let digits = part.trim_end_matches(|c: char| !c.is_ascii_digit());
        if digits.len() >= LONG_NUMBER {
            masked.push('…');
            masked.push_str(&part[digits.len() - SHOWN_DIGITS..]);
        } else {
            masked.push_str(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NORMAL: [Normal; 2] = [
        Normal { said: "cannot be opened", lines: &[("wacore", "failed to decrypt"), ("wacore", "Bad Mac")] },
        Normal { said: "comes again", lines: &[("whatsapp_rust::message", "duplicate")] },
    ];

    #[test]
    fn what_is_normal_is_said_once_a_minute_with_how_often_it_was() {
        let counted = Counted::new(Box::leak(Box::new(NORMAL)));
        assert_eq!(counted.find("wacore_libsignal::protocol", "Bad Mac! Their Mac: 00"), Some(0));
        assert_eq!(counted.find("whatsapp_rust::message::receive", "a duplicate"), Some(1));
        assert_eq!(counted.find("whatsapp_rust::message", "Bad Mac"), None);
        let began = Instant::now();
        assert_eq!(counted.count(0, began), Some(1));
        for second in 1..60 {
            assert_eq!(counted.count(0, began + Duration::from_secs(second)), None);
        }
        assert_eq!(counted.count(1, began), Some(1), "each by itself");
        assert_eq!(counted.count(0, began + SAID_EVERY), Some(60));
    }

    #[test]
    fn numbers_of_people_and_keys_are_cut_and_everything_else_stays() {
        for (text, expected) in [
            ("Message from 6281234567890.1 failed; attempt 3", "Message from …890.1 failed; attempt 3"),
            ("recipient: 123456789012345@lid.0,", "recipient: …345@lid.0,"),
            ("key 05c3bc39f012345678901234567890abcdef0123456789abcdef counter 7", "key … counter 7"),
            (
                "2026-12-01T10:07:55.307689Z  WARN Client/Ack: got 463",
                "2026-12-01T10:07:55.307689Z  WARN Client/Ack: got 463",
            ),
            ("msg 3EB0C1CE9FF23236BA2F7 ünïcode", "msg 3EB0C1CE9FF23236BA2F7 ünïcode"),
            ("+628123456", "+…456"),
            ("", ""),
        ] {
            assert_eq!(masked(text), expected);
        }
    }
}
