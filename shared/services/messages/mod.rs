//! Messages and chats.

mod cancel;
mod clear_queue;
mod dead_letters;
mod enqueue;
mod get;
mod history;
mod identity;
mod list_chats;
mod queue;
mod record_delivery;
mod record_group_subject;
mod record_identity;
mod record_progress;
mod send;
mod settle_left;
mod sweep_outbox;
mod wait;

pub use cancel::cancel;
pub use clear_queue::{Cleared, clear_queue};
pub use dead_letters::{get_dead_letter, list_dead_letters, redrive};
pub use get::{WithReceipts, get};
pub use history::history;
pub use list_chats::list_chats;
pub use queue::{QueueState, queue};
pub use record_delivery::{Delivery, record_delivery};
pub use record_group_subject::record_group_subject;
pub use record_identity::record_identity;
pub use record_progress::{Recorded, record_progress, record_receipts, tell_again};
pub use send::{NewMessage, send};
pub use settle_left::settle_left;
pub use sweep_outbox::sweep_outbox;
pub use wait::{LONGEST_WAIT, wait};
