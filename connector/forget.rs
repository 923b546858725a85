//! After a restore from a backup: the counters of the sessions in it have been used since, and contacts take what
//! comes under them for what they have. Sessions are dropped; links, identities and prekeys stay.

use std::fmt;

use shared::{
    clock::Timestamp,
    crypto::MasterKey,
    domain::ids::{DeviceId, TenantId},
    services::Context,
    store::{StoreError, devices, leases, workers},
};

use crate::{
    ownership::Lease,
    session_store::{CommitSettings, SessionStoreError, SessionStores},
};

/// Since when a connector that tells nothing of itself counts as stopped, in milliseconds.
const QUIET_MILLIS: i64 = 60_000;

/// Whose sessions; all that are not ruled out.
#[derive(Debug, Clone, Copy, Default)]
pub struct Chosen {
    /// Only of this tenant's devices.
    pub tenant: Option<TenantId>,
    /// Only of this device.
    pub device: Option<DeviceId>,
}

/// What was dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Devices that were looked at.
    pub devices: usize,
    /// Rows of keys that were changed or deleted.
    pub rows: usize,
}

impl fmt::Display for Forgotten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sessions are forgotten (devices: {}, rows: {})", self.devices, self.rows)
    }
}

/// Sessions could not be dropped.
#[derive(Debug, thiserror::Error)]
pub enum ForgetError {
    /// A connector would go on with what it has in memory.
    #[error("connectors are running ({0}): stop them first; one that was killed is forgotten after a minute")]
    Running(String),
    /// Nothing was chosen by that.
    #[error("there is no such device")]
    NoDevice,
    /// The devices could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys of a device could not be read or written; those before it are done.
    #[error("the keys of {0}: {1}")]
    Keys(DeviceId, #[source] SessionStoreError),
}

/// Drops the Signal sessions and sender keys of devices. No connector may run meanwhile.
///
/// # Errors
/// [`ForgetError`]. It may be done again at any time.
pub async fn forget_sessions(
    ctx: &Context,
    master_key: &MasterKey,
    chosen: Chosen,
) -> Result<Forgotten, ForgetError> {
    let since = Timestamp::from_unix_millis(ctx.now().unix_millis() - QUIET_MILLIS);
    let running = workers::list(&ctx.db, since, 100, None).await?.items;
    if !running.is_empty() {
        let names: Vec<String> = running.iter().map(|worker| worker.id.to_string()).collect();
        return Err(ForgetError::Running(names.join(", ")));
    }
    let sealer = master_key.sealer("session-keys");
    let stores = SessionStores::new(ctx.db.clone(), sealer, ctx.clock.clone(), CommitSettings::default());
    let used = leases::list(&ctx.db).await?.into_iter().map(|lease| lease.shard + 1).max();
    let mut forgotten = Forgotten::default();
    for shard in 0..ctx.queues.shards().max(used.unwrap_or_default()) {
        for device in devices::list_by_shard(&ctx.db, shard).await? {
            let (tenant, id) = (device.account_id, device.id);
            let is_chosen = chosen.tenant.is_none_or(|chosen| chosen == tenant)
                && chosen.device.is_none_or(|chosen| chosen == id);
            if !is_chosen {
                continue;
            }
            let rows = stores.forget_sessions(tenant, id, Lease::forever(shard, 0)).await;
            forgotten.rows += rows.map_err(|error| ForgetError::Keys(id, error))?;
            forgotten.devices += 1;
        }
    }
    match forgotten.devices {
        0 if chosen.device.is_some() => Err(ForgetError::NoDevice),
        _ => Ok(forgotten),
    }
}
