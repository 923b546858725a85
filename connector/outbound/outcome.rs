//! Which failures of a send are for good, and which are worth another try: in one place.

use std::time::Duration;

use shared::domain::message::SendFailure;

use crate::whatsapp::SendError;

/// How often a message may fail before it is given up.
pub(super) const MAX_FAILURES: u32 = 3;

/// How often sending a message may be begun, whatever became of it: one that takes its connector down with it
/// must not do so for ever. WhatsApp's wish to slow down may come many times in a day.
pub(super) const MAX_ATTEMPTS: u32 = 200;

/// The longest pause that a device makes when WhatsApp asks it to slow down.
const MAX_SLOWDOWN: Duration = Duration::from_secs(15 * 60);

/// What to do about a failed send.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Not an attempt at all: wait for a connection.
    Wait,
    /// It waits for a newer connector to take the device over.
    Leave,
    /// WhatsApp wants less of this device: all its messages wait, and none is given up for it.
    SlowDown,
    /// Another try may work; this is what is said if it was the last.
    Again(SendFailure),
    /// No try will work.
    GiveUp(SendFailure),
}

/// Judges a failed send.
pub(super) fn judge(error: &SendError) -> Verdict {
    let failure = |code| SendFailure::new(code, error.to_string());
    match error {
        SendError::NotConnected => Verdict::Wait,
        SendError::UnknownKind => Verdict::Leave,
        SendError::RateLimited => Verdict::SlowDown,
        SendError::NotOnWhatsApp => Verdict::GiveUp(failure("not_on_whatsapp")),
        // WhatsApp's own troubles pass; what it says of the message stays true.
        SendError::Refused { code } if code.starts_with('5') => Verdict::Again(failure("refused")),
        SendError::Refused { .. } => Verdict::GiveUp(failure("refused")),
        SendError::Invalid(_) => Verdict::GiveUp(failure("invalid")),
        SendError::Timeout => Verdict::Again(failure("timeout")),
        SendError::Internal(_) => Verdict::Again(failure("internal")),
    }
}

/// How long a device is silent after WhatsApp asked it for the `times`-th time in a row to slow down, in
/// sending or in connecting.
pub(crate) fn slowdown(first: Duration, times: u32) -> Duration {
    first.saturating_mul(1 << times.saturating_sub(1).min(10)).min(MAX_SLOWDOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_for_good_and_whatsapps_own_trouble_is_not() {
        let refused = |code: &str| judge(&SendError::Refused { code: code.into() });
        assert!(matches!(refused("400"), Verdict::GiveUp(_)));
        assert!(matches!(refused("479"), Verdict::GiveUp(_)));
        assert!(matches!(refused("503"), Verdict::Again(_)));
        assert_eq!(judge(&SendError::RateLimited), Verdict::SlowDown);
    }

    #[test]
    fn the_pauses_grow_to_a_quarter_of_an_hour() {
        let first = Duration::from_secs(60);
        assert_eq!([1, 2, 3].map(|n| slowdown(first, n).as_secs()), [60, 120, 240]);
        assert_eq!(slowdown(first, 40), MAX_SLOWDOWN);
    }
}
