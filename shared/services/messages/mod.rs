//! Messages and chats.

mod cancel;
mod clear_queue;
mod dead_letters;
mod enqueue;
mod get;
mod history;
mod list_chats;
mod queue;
mod record_delivery;
mod record_identity;
mod record_progress;
mod send;
mod settle_left;
mod sweep_outbox;
mod wait;

pub use cancel::cancel;
pub use clear_queue::{Cleared, clear_queue};
pub use dead_letters::{get_dead_letter, list_dead_letters, redrive};
pub use get::get;
pub use history::history;
pub use list_chats::list_chats;
pub use queue::{QueueState, queue};
pub use record_delivery::{Delivery, record_delivery};
pub use record_identity::record_identity;
pub use record_progress::{record_progress, tell_again};
pub use send::{NewMessage, send};
pub use settle_left::settle_left;
pub use sweep_outbox::sweep_outbox;
pub use wait::{LONGEST_WAIT, wait};

use super::{Context, Error};
use crate::{
    domain::{
        device::Link,
        jid::{Jid, Server},
    },
    store::contacts,
};

/// The JID that a chat goes by: the phone number's, when it is known for a LID.
async fn canonical(ctx: &Context, link: Link, jid: Jid) -> Result<Jid, Error> {
    if jid.server() != Server::Lid {
        return Ok(jid);
    }
    Ok(contacts::phone_of(&ctx.db, link, &jid).await?.unwrap_or(jid))
}
