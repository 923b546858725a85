//! Messages and chats.

mod get;
mod history;
mod list_chats;
mod record_delivery;
mod record_identity;
mod record_receipt;
mod send;
mod sweep_outbox;
mod wait;

pub use get::get;
pub use history::history;
pub use list_chats::list_chats;
pub use record_delivery::{Delivery, record_delivery};
pub use record_identity::record_identity;
pub use record_receipt::{Receipt, record_receipt};
pub use send::{NewMessage, Priority, send};
pub use sweep_outbox::sweep_outbox;
pub use wait::{LONGEST_WAIT, wait};

use super::{Context, Error};
use crate::{
    domain::{
        ids::{DeviceId, TenantId},
        jid::{Jid, Server},
    },
    store::contacts,
};

/// The JID that a chat goes by: the phone number's, when it is known for a LID.
async fn canonical(ctx: &Context, tenant: TenantId, device: DeviceId, jid: Jid) -> Result<Jid, Error> {
    if jid.server() != Server::Lid {
        return Ok(jid);
    }
    Ok(contacts::phone_of(&ctx.db, tenant, device, &jid).await?.unwrap_or(jid))
}
