//! The keys of the linked devices: the protocol library's storage traits over DynamoDB.
//!
//! Opening a device reads its rows into memory, where all reads are served from. A change is made in
//! memory and handed to a group commit that all devices of the process share, and the library goes on
//! when it is durable. Exceptions, where waiting would only cost: copies of sent messages (kept for
//! resending) and the clearing away of finished things are written within
//! [`SessionStores::WRITE_BEHIND`] or when the store is closed. And a row is not written at all when a crash would
//! make no difference: when it is unchanged, or when only a sending chain has moved on that is reserved ahead.
//!
//! Every row is sealed with AES-256-GCM and bound to its tenant, device and name.

mod app_sync;
#[cfg(test)]
mod cost_tests;
mod device;
mod forget;
mod group_commit;
mod image;
mod key_rows;
mod learned;
#[cfg(test)]
mod message_tests;
mod messages;
mod missing;
mod msg_secret;
#[cfg(test)]
mod party;
mod protocol;
mod reserve;
#[cfg(test)]
mod reserve_tests;
mod rows;
mod signal;
mod stored;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod wire;
#[cfg(test)]
mod write_tests;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use prost::Message;
use shared::{
    clock::SharedClock,
    crypto::Sealer,
    domain::ids::{DeviceId, TenantId},
    store::{Db, keys::device_partition, session_keys::SessionKeyWrite},
};
use thiserror::Error;
use whatsapp_rust::wacore::store::error::StoreError as LibraryError;

pub use group_commit::{CommitCost, CommitError, CommitSettings};
pub(crate) use learned::Learned;
pub(crate) use missing::MissingMessage;

use crate::ownership::Lease;
use group_commit::{GroupCommit, RowWrite};
use image::Image;
use key_rows::{KeyRows, KeyRowsError};
use rows::{DeviceRow, MAX_CONTENT, RowName, kind};
use stored::{Footprint, Submitted};

/// The keys could not be read or written.
#[derive(Debug, Error)]
pub enum SessionStoreError {
    /// DynamoDB did not answer as it should.
    #[error("the session keys could not be read: {0}")]
    NotRead(String),
    /// A row is damaged, misplaced, or sealed under another master key.
    #[error("a session key row cannot be used: {0}")]
    Damaged(String),
    /// See [`CommitError`].
    #[error(transparent)]
    NotWritten(#[from] CommitError),
}

impl From<KeyRowsError> for SessionStoreError {
    fn from(error: KeyRowsError) -> Self {
        Self::NotRead(error.reason)
    }
}

/// The session keys of all devices, as a process uses them. Cheap to clone.
#[derive(Clone)]
pub struct SessionStores {
    shared: Arc<Shared>,
}

struct Shared {
    rows: Arc<dyn KeyRows>,
    commit: GroupCommit,
    sealer: Sealer,
    clock: SharedClock,
    /// The stores that are open, so that a device has one at most.
    open: Mutex<HashMap<DeviceId, Weak<SessionStore>>>,
}

impl SessionStores {
    /// How long a change that nobody waits for may stay in memory only.
    pub const WRITE_BEHIND: Duration = Duration::from_secs(15);

    /// Starts the writers on the current Tokio runtime.
    pub fn new(db: Db, sealer: Sealer, clock: SharedClock, settings: CommitSettings) -> Self {
        Self::over(Arc::new(db), sealer, clock, settings)
    }

    fn over(rows: Arc<dyn KeyRows>, sealer: Sealer, clock: SharedClock, settings: CommitSettings) -> Self {
        let commit = GroupCommit::start(rows.clone(), settings);
        let shared = Arc::new(Shared { rows, commit, sealer, clock, open: Mutex::default() });
        tokio::spawn(write_what_waits(Arc::downgrade(&shared)));
        Self { shared }
    }

    /// Loads the keys of a device; a device without any gets an empty store. `lease` is the right under
    /// which this process serves the device.
    ///
    /// A store of the same device that is still open in this process is closed for writing: the newest
    /// one counts.
    ///
    /// # Errors
    /// [`SessionStoreError`]
    pub async fn open(
        &self,
        tenant: TenantId,
        device: DeviceId,
        lease: Lease,
    ) -> Result<Arc<SessionStore>, SessionStoreError> {
        if let Some(former) = self.former(device) {
            match former.close().await {
                // It had lost the right to write what it put off, or the chance.
                Ok(()) | Err(CommitError::Fenced | CommitError::Closed) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.shared.commit.quiet(device).await;
        let mut image = Image::default();
        for row in self.shared.rows.load(tenant, device).await? {
            let content = self.shared.unseal(tenant, device, &row.name, &row.data)?;
            image.load(&row.name, content).map_err(|error| SessionStoreError::Damaged(error.to_string()))?;
        }
        let store = Arc::new(SessionStore {
            shared: self.shared.clone(),
            tenant,
            device,
            lease,
            image: Mutex::new(image),
            closed: AtomicBool::new(false),
            learned: Learned::default(),
        });
        let mut open = lock(&self.shared.open);
        open.retain(|_, store| store.strong_count() > 0);
        open.insert(device, Arc::downgrade(&store));
        Ok(store)
    }

    /// Whether a phone has linked this device, as far as is known here.
    ///
    /// # Errors
    /// [`SessionStoreError`]
    pub async fn has_link(&self, tenant: TenantId, device: DeviceId) -> Result<bool, SessionStoreError> {
        let Some(sealed) = self.shared.rows.get(tenant, device, kind::DEVICE).await? else {
            return Ok(false);
        };
        let content = self.shared.unseal(tenant, device, kind::DEVICE, &sealed)?;
        let row = DeviceRow::decode(content.as_slice())
            .map_err(|error| SessionStoreError::Damaged(error.to_string()))?;
        Ok(row.linked)
    }

    /// Deletes all rows of a device, under the right by which this process serves it. A store of it that is
    /// open here takes no more writes.
    ///
    /// # Errors
    /// [`SessionStoreError`]; some rows may be gone.
    pub async fn wipe(
        &self,
        tenant: TenantId,
        device: DeviceId,
        lease: Lease,
    ) -> Result<(), SessionStoreError> {
        if let Some(open) = self.former(device) {
            open.refuse_writes();
        }
        self.shared.commit.quiet(device).await;
        let names = self.shared.rows.names(tenant, device).await?;
        let slot = self.shared.commit.reserve().await;
        let delete = |name| RowWrite {
            write: SessionKeyWrite { tenant, device, name, data: None },
            lease: lease.clone(),
        };
        slot.submit(names.into_iter().map(delete).collect()).durable().await?;
        Ok(())
    }

    /// What writing session keys has cost this process so far.
    pub fn cost(&self) -> CommitCost {
        self.shared.commit.cost()
    }

    fn former(&self, device: DeviceId) -> Option<Arc<SessionStore>> {
        lock(&self.shared.open).remove(&device)?.upgrade()
    }
}

/// Every now and then writes what the open stores put off.
async fn write_what_waits(shared: Weak<Shared>) {
    loop {
        tokio::time::sleep(SessionStores::WRITE_BEHIND).await;
        let Some(shared) = shared.upgrade() else { return };
        let open: Vec<_> = lock(&shared.open).values().filter_map(Weak::upgrade).collect();
        for store in open.into_iter().filter(|store| store.lease.holds()) {
            if let Err(error) = store.write_later_rows(SPARE_SECONDS).await {
                tracing::warn!(device = %store.device, %error, "put-off session keys not written");
            }
        }
    }
}

impl Shared {
    fn seal(&self, tenant: TenantId, device: DeviceId, name: &str, content: &[u8]) -> Vec<u8> {
        self.sealer.seal(associated_data(tenant, device, name).as_bytes(), content)
    }

    fn unseal(
        &self,
        tenant: TenantId,
        device: DeviceId,
        name: &str,
        data: &[u8],
    ) -> Result<Vec<u8>, SessionStoreError> {
        let opened = self.sealer.open(associated_data(tenant, device, name).as_bytes(), data);
        opened.map_err(|error| SessionStoreError::Damaged(format!("{name}: {error}")))
    }
}

/// What a sealed row is bound to.
fn associated_data(tenant: TenantId, device: DeviceId, name: &str) -> String {
    format!("session-keys/{}/{name}", device_partition(tenant, device))
}

/// The keys of one device: what the protocol library calls its backend.
pub struct SessionStore {
    shared: Arc<Shared>,
    tenant: TenantId,
    device: DeviceId,
    lease: Lease,
    image: Mutex<Image>,
    closed: AtomicBool,
    learned: Learned,
}

/// Which rows a change touches.
#[derive(Default)]
struct Touched {
    /// The caller waits until these are durable.
    now: BTreeSet<RowName>,
    /// These may wait.
    later: BTreeSet<RowName>,
    /// These hold nothing of use any more. They will be overwritten, or be deleted after [`SPARE_SECONDS`].
    spare: BTreeSet<RowName>,
}

/// How long a row that is of no use waits to be overwritten, in seconds.
const SPARE_SECONDS: i64 = 3600;

/// What a change makes necessary to write.
#[derive(Default)]
struct Due {
    submitted: Vec<(RowName, Submitted)>,
    /// Why a row cannot be written at all.
    refused: Option<CommitError>,
}

impl SessionStore {
    /// Writes what was put off, and takes no more writes.
    ///
    /// # Errors
    /// [`CommitError`]
    pub async fn close(&self) -> Result<(), CommitError> {
        let written = self.write_later_rows(0).await;
        self.refuse_writes();
        written
    }

    /// Whether this process still has the right to serve the device.
    pub(crate) fn are_ours(&self) -> bool {
        self.lease.holds()
    }

    /// The pairs of phone number and LID that are learned.
    pub(crate) fn learned(&self) -> Learned {
        self.learned.clone()
    }

    /// A message that was sent not long ago, as it was encoded.
    pub(crate) fn sent_message(&self, id: &str) -> Option<Vec<u8>> {
        self.read(|image| messages::find_sent(image, id).map(<[u8]>::to_vec))
    }

    fn refuse_writes(&self) {
        // Under the image's lock, so that no change is half way in.
        let _image = lock(&self.image);
        self.closed.store(true, Ordering::Release);
    }

    /// Reads from the image.
    fn read<T>(&self, look: impl FnOnce(&Image) -> T) -> T {
        look(&lock(&self.image))
    }

    /// Changes the image and waits until the touched rows are durable.
    async fn change<T>(&self, change: impl FnOnce(&mut Image, &mut Touched) -> T) -> Result<T, LibraryError> {
        self.commit(change).await.map_err(|error| LibraryError::Database(Box::new(error)))
    }

    async fn commit<T>(&self, change: impl FnOnce(&mut Image, &mut Touched) -> T) -> Result<T, CommitError> {
        let slot = self.shared.commit.reserve().await;
        let (outcome, due, receipt) = {
            let mut image = lock(&self.image);
            if self.closed.load(Ordering::Acquire) {
                return Err(CommitError::Closed);
            }
            if !self.lease.holds() {
                return Err(CommitError::Fenced);
            }
            let mut touched = Touched::default();
            let outcome = change(&mut image, &mut touched);
            let now = self.now();
            for row in touched.spare {
                image.spare.entry(row).or_insert(now);
            }
            for row in touched.now.iter().chain(&touched.later) {
                image.later.remove(row);
                image.spare.remove(row);
            }
            image.later.extend(touched.later);
            let (due, writes) = self.due(&mut image, touched.now);
            // Handed in before the image is let go: writes of a row go out in the order of its changes.
            (outcome, due, slot.submit(writes))
        };
        let written = receipt.durable().await;
        let mut image = lock(&self.image);
        match written {
            Ok(()) => due.submitted.into_iter().for_each(|(_, row)| image.stored.durable(row)),
            // The image is ahead of what is stored, so another try is due whatever the caller does.
            Err(_) => image.later.extend(due.submitted.into_iter().map(|(row, _)| row)),
        }
        written.and(due.refused.map_or(Ok(outcome), Err))
    }

    /// What of these rows must be written, as a crash would make a difference.
    fn due(&self, image: &mut Image, rows: BTreeSet<RowName>) -> (Due, Vec<RowWrite>) {
        let (mut due, mut writes) = (Due::default(), Vec::new());
        for row in rows {
            let name = row.sort_key();
            let content = image.encode(&row);
            let footprint = content.as_ref().map(|content| Footprint::of(&name, content));
            if image.stored.has(&name, footprint.as_ref()) {
                continue;
            }
            let bytes = content.as_ref().map_or(0, Vec::len);
            if bytes > MAX_CONTENT {
                let reason = format!("row {name} has {bytes} bytes, too many for DynamoDB");
                due.refused = Some(CommitError::NotWritten(reason.into()));
                continue;
            }
            let data = content.map(|content| self.shared.seal(self.tenant, self.device, &name, &content));
            let write =
                SessionKeyWrite { tenant: self.tenant, device: self.device, name: name.clone(), data };
            writes.push(RowWrite { write, lease: self.lease.clone() });
            due.submitted.push((row, image.stored.submit(name, footprint)));
        }
        (due, writes)
    }

    /// Writes what was put off, and deletes what has been of no use for so many seconds.
    async fn write_later_rows(&self, spare: i64) -> Result<(), CommitError> {
        let before = self.now() - spare;
        let due = |image: &mut Image| {
            let mut due = std::mem::take(&mut image.later);
            due.extend(image.spare.extract_if(.., |_, since| *since <= before).map(|(row, _)| row));
            due
        };
        if self.read(|image| image.later.is_empty() && image.spare.values().all(|since| *since > before)) {
            return Ok(());
        }
        self.commit(|image, touched| touched.now = due(image)).await
    }

    /// Unix time, seconds.
    fn now(&self) -> i64 {
        self.shared.clock.now().unix_seconds()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while holding these locks in a way that leaves half a change.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
