//! Which token families are known to go on: access tokens of a family that has ended do not work. Looked up for each
//! request, and remembered for a few seconds, so that a client that asks all the time costs next to nothing more.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    clock::Timestamp,
    domain::ids::TokenFamilyId,
    store::{Db, StoreError, refresh_tokens},
};

/// For how long a process goes by what it found: so long may an access token outlive a logout at another process.
const MEMORY: Duration = Duration::from_secs(5);

/// How many are remembered at most.
const MAX_REMEMBERED: usize = 10_000;

/// What one process knows of families. Clones are the same.
#[derive(Clone, Default)]
pub struct Families(Arc<Mutex<HashMap<TokenFamilyId, Timestamp>>>);

impl Families {
    /// Whether a family goes on.
    ///
    /// # Errors
    /// When the store is away.
    pub async fn go_on(&self, db: &Db, family: TokenFamilyId, now: Timestamp) -> Result<bool, StoreError> {
        if self.lock().get(&family).is_some_and(|until| *until > now) {
            return Ok(true);
        }
        let goes_on = refresh_tokens::exists(db, family).await?;
        if goes_on {
            let mut known = self.lock();
            if known.len() >= MAX_REMEMBERED {
                known.retain(|_, until| *until > now);
            }
            if known.len() < MAX_REMEMBERED {
                known.insert(family, now + MEMORY);
            }
        }
        Ok(goes_on)
    }

    /// A family ends: the next request is looked up.
    pub(super) fn forget(&self, family: TokenFamilyId) {
        self.lock().remove(&family);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TokenFamilyId, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
