//! Contacts whose two identities are known to belong together, so that each is written once and not with
//! every message.

use moka::future::Cache;
use shared::{
    domain::{device::Link, jid::Jid},
    services::{Context, Error, messages},
};

/// How many contacts a connector remembers to have written.
const CAPACITY: u64 = 50_000;

/// Contacts that this process has written. Cheap to clone.
#[derive(Clone)]
pub(crate) struct KnownContacts(Cache<(Link, Jid), Jid>);

impl Default for KnownContacts {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(CAPACITY).build())
    }
}

impl KnownContacts {
    /// Writes down that a LID and a phone number are one contact of a link, unless it has been.
    pub async fn learn(&self, ctx: &Context, link: Link, lid: &Jid, phone: &Jid) -> Result<(), Error> {
        let key = (link, lid.clone());
        if self.0.get(&key).await.as_ref() == Some(phone) {
            return Ok(());
        }
        messages::record_identity(ctx, link, lid, phone).await?;
        self.0.insert(key, phone.clone()).await;
        Ok(())
    }
}
