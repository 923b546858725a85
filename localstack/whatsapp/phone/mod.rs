//! Phones: device 0 of each account, a Signal party like any other. They live in the same process
//! and are handed their stanzas at the end of each change, so a phone is never offline.

mod content;
mod fetch;
mod keys;
mod origin;
mod placeholder;
mod receive;
mod retry;
mod seal;
mod send;
mod signal;

pub use fetch::take_bundle;
pub use keys::create;
pub use receive::{forge_receipt, mark_read};
pub use seal::forget_sessions;
pub use send::{SendFailure, send_text, welcome};

use super::state::Tx;
use crate::whatsapp::node::NodeExt;

/// A phone answers what it gets, and another phone may answer that; more rounds than this in one
/// change would be two phones in a quarrel.
const MAX_ROUNDS: usize = 100_000;

/// Hands the phones what the change has for them.
pub fn drain_inbox(tx: &mut Tx<'_>) {
    for _ in 0..MAX_ROUNDS {
        let Some((number, stanza)) = tx.phone_inbox.pop_front() else { return };
        match stanza.tag.as_ref() {
            "message" => receive::message(tx, &number, &stanza),
            "receipt" if stanza.text("type") == "retry" => retry::resend(tx, &number, &stanza),
            "receipt" => receive::receipt(tx, &number, &stanza),
            _ => {}
        }
    }
    tracing::error!("phones do not stop answering each other");
    tx.phone_inbox.clear();
}
