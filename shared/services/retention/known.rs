//! How long a tenant's data is kept, as far as a process knows.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    domain::{ids::TenantId, retention::Retention},
    store::{Db, StoreError, retention},
};

/// How many tenants are remembered; then all are forgotten, which costs each a reading.
const MAX_TENANTS: usize = 20_000;

/// For how long a rule is believed.
pub(super) const BELIEVED: Duration = Duration::from_secs(30);

/// For who may not read accounts. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Retentions(Arc<Mutex<HashMap<TenantId, (Retention, Instant)>>>);

impl Retentions {
    /// How long a tenant's data is kept. Of whom nothing is known yet everything is kept, until a pass comes.
    pub async fn of(&self, db: &Db, tenant: TenantId) -> Result<Retention, StoreError> {
        let known = self.lock().get(&tenant).copied();
        if let Some((retention, read_at)) = known
            && read_at.elapsed() < BELIEVED
        {
            return Ok(retention);
        }
        let read_at = Instant::now();
        let retention = retention::get(db, tenant).await?.unwrap_or_default();
        let mut all = self.lock();
        if all.len() >= MAX_TENANTS {
            all.clear();
        }
        all.insert(tenant, (retention, read_at));
        Ok(retention)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, (Retention, Instant)>> {
        // Nothing panics while holding this.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
