//! What every shard of a connector works with.

use std::{sync::Arc, time::Duration};

use shared::services::Context;

use crate::{
    inbound::KnownContacts, outbound::Progress, session_count::SessionCount, session_store::SessionStores,
    whatsapp::ConnectionFactory,
};

/// What all shards of a connector share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Worker {
    pub ctx: Context,
    pub keys: SessionStores,
    /// Opens the devices' connections to WhatsApp.
    pub connections: Arc<dyn ConnectionFactory>,
    /// See [`WhatsAppConfig::rate_limit_pause`](crate::whatsapp::WhatsAppConfig::rate_limit_pause).
    pub rate_limit_pause: Duration,
    pub contacts: KnownContacts,
    /// How many connections this process has open.
    pub sessions: SessionCount,
    pub progress: Progress,
}
