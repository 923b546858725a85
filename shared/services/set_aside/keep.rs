//! Setting something aside.

use std::{error::Error, time::Duration};

use crate::{
    clock::SharedClock,
    crypto,
    domain::{
        ids::{DeviceId, SetAsideId, TenantId},
        set_aside::{SetAside, SetAsideKind},
    },
    failure,
    store::{Db, StoreError, set_aside},
};

/// How long it is kept.
const LIFETIME: Duration = Duration::from_secs(30 * 24 * 3600);

/// What is larger is told of, but not kept, in bytes: a row takes 400 KB.
const MOST_KEPT: usize = 350 * 1024;

/// The longest subject and the longest reason, in characters. Both may hold what others chose.
const MOST_SUBJECT: usize = 100;
const MOST_REASON: usize = 500;

/// Sets aside what a process must pass over. Cheap to clone.
#[derive(Clone)]
pub struct Keeper {
    db: Db,
    clock: SharedClock,
}

/// Something that is passed over.
#[derive(Debug, Clone)]
pub struct PassedOver<'a> {
    /// What it is.
    pub what: SetAsideKind,
    /// Whose it is.
    pub tenant: TenantId,
    /// Of which device.
    pub device: Option<DeviceId>,
    /// What it is known by.
    pub subject: &'a str,
    /// What tells it from others of that subject; shown nowhere.
    pub distinct: &'a str,
    /// What it holds, as far as that can be written.
    pub content: Option<String>,
}

impl Keeper {
    pub(in crate::services) fn new(db: Db, clock: SharedClock) -> Self {
        Self { db, clock }
    }

    /// Sets something aside for `reason`, and says so in the log. The same thing twice is there once.
    ///
    /// # Errors
    /// Only what passes: then it must be tried again, and what is to be passed over stays until it is set aside.
    pub async fn keep(
        &self,
        item: PassedOver<'_>,
        reason: &(dyn Error + Sync + 'static),
    ) -> Result<(), StoreError> {
        let PassedOver { what, tenant, device, subject: known_by, distinct, content } = item;
        let subject: String = known_by.chars().take(MOST_SUBJECT).collect();
        let reason: String = failure::with_causes(reason).chars().take(MOST_REASON).collect();
        let of_device = device.map(|device| device.to_string()).unwrap_or_default();
        let identity = [what.as_str(), of_device.as_str(), known_by, distinct].map(str::as_bytes);
        let digest = crypto::digest_of(&identity);
        let key = hex::encode(&digest[..16]);
        let kept = content.filter(|content| content.len() <= MOST_KEPT);
        let now = self.clock.now();
        let mut aside = SetAside {
            id: SetAsideId::generate(now),
            what,
            tenant_id: tenant,
            device_id: device,
            subject: Some(subject).filter(|subject| !subject.is_empty()),
            reason,
            at: now,
            kept_bytes: kept.as_deref().and_then(|kept| u32::try_from(kept.len()).ok()),
        };
        let mut stored = set_aside::put(&self.db, &aside, &key, kept, now + LIFETIME).await;
        if stored.as_ref().is_err_and(|error| !error.kind().passes()) {
            aside.kept_bytes = None;
            stored = set_aside::put(&self.db, &aside, &key, None, now + LIFETIME).await;
        }
        match stored {
            Err(error) if error.kind().passes() => return Err(error),
            Err(error) => {
                let error = &error as &dyn Error;
                tracing::error!(?aside, error, "set aside: lost, since it cannot be written down at all");
            }
            Ok(()) => tracing::error!(?aside, "set aside: GET /v1/set-aside has it"),
        }
        Ok(())
    }
}
