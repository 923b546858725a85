//! Which failures of a send are for good, and which are worth another try: in one place.

use shared::domain::message::SendFailure;

use crate::whatsapp::SendError;

/// How often a message is tried before it is given up.
pub(super) const MAX_ATTEMPTS: u32 = 3;

/// What to do about a failed send.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Not an attempt at all: wait for a connection.
    Wait,
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
        SendError::NotOnWhatsApp => Verdict::GiveUp(failure("not_on_whatsapp")),
        SendError::Refused { .. } => Verdict::GiveUp(failure("refused")),
        SendError::Invalid(_) => Verdict::GiveUp(failure("invalid")),
        SendError::RateLimited => Verdict::Again(failure("rate_limited")),
        SendError::Timeout => Verdict::Again(failure("timeout")),
        SendError::Internal(_) => Verdict::Again(failure("internal")),
    }
}
