//! Rows in memory, in place of DynamoDB.

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use shared::{
    clock::{Clock, SharedClock, Timestamp},
    crypto::MasterKey,
    domain::ids::{DeviceId, TenantId},
    store::session_keys::{MAX_BATCH, SessionKeyRow, SessionKeyWrite},
};
use whatsapp_rust::wacore::store::{
    Device,
    traits::{DeviceStore, LidPnMappingEntry},
};

use super::{
    CommitSettings, SessionStore, SessionStores,
    key_rows::{KeyRows, KeyRowsError},
    lock,
};
use crate::ownership::Lease;

/// A session or key, as it is stored.
pub(super) fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

/// Who is who, learned at a time.
pub(super) fn mapping(lid: &str, phone: &str, at: i64) -> LidPnMappingEntry {
    LidPnMappingEntry {
        lid: lid.into(),
        phone_number: phone.into(),
        created_at: at,
        updated_at: at,
        learning_source: "usync".into(),
    }
}

/// What the next request meets with.
pub(super) enum Trouble {
    Throttled,
    Refused,
    /// The rows at these places are left unprocessed.
    Unprocessed(Vec<usize>),
}

type RowKey = (TenantId, DeviceId, String);

#[derive(Default)]
pub(super) struct State {
    pub rows: BTreeMap<RowKey, Vec<u8>>,
    /// The row names of every request that succeeded, at least in part.
    pub requests: Vec<Vec<String>>,
    pub trouble: VecDeque<Trouble>,
    /// Rows that are refused whenever they come.
    pub poison: HashSet<String>,
    in_flight: HashSet<RowKey>,
}

/// The stored rows of a test.
#[derive(Clone, Default)]
pub(super) struct FakeRows {
    pub state: Arc<Mutex<State>>,
    /// How long a write takes.
    pub delay: Duration,
}

impl FakeRows {
    pub(super) fn with_delay(delay: Duration) -> Self {
        Self { delay, ..Self::default() }
    }

    /// How many rows were written or deleted.
    pub(super) fn written(&self) -> usize {
        lock(&self.state).requests.iter().map(Vec::len).sum()
    }

    /// The names of the rows there are.
    pub(super) fn names(&self) -> Vec<String> {
        lock(&self.state).rows.keys().map(|(_, _, name)| name.clone()).collect()
    }

    pub(super) fn trouble(&self, trouble: impl IntoIterator<Item = Trouble>) {
        lock(&self.state).trouble.extend(trouble);
    }
}

/// A request under way, or given up half way.
struct InFlight<'a>(&'a Mutex<State>, &'a [RowKey]);

impl<'a> InFlight<'a> {
    fn new(state: &'a Mutex<State>, places: &'a [RowKey]) -> Self {
        for place in places {
            assert!(lock(state).in_flight.insert(place.clone()), "a row is in two requests at a time");
        }
        Self(state, places)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let mut state = lock(self.0);
        for place in self.1 {
            state.in_flight.remove(place);
        }
    }
}

#[async_trait]
impl KeyRows for FakeRows {
    async fn load(&self, tenant: TenantId, device: DeviceId) -> Result<Vec<SessionKeyRow>, KeyRowsError> {
        let state = lock(&self.state);
        let of_device = state.rows.iter().filter(|((owner, of, _), _)| (*owner, *of) == (tenant, device));
        Ok(of_device
            .map(|((_, _, name), data)| SessionKeyRow { name: name.clone(), data: data.clone() })
            .collect())
    }

    async fn get(
        &self,
        tenant: TenantId,
        device: DeviceId,
        name: &str,
    ) -> Result<Option<Vec<u8>>, KeyRowsError> {
        Ok(lock(&self.state).rows.get(&(tenant, device, name.to_owned())).cloned())
    }

    async fn names(&self, tenant: TenantId, device: DeviceId) -> Result<Vec<String>, KeyRowsError> {
        Ok(self.load(tenant, device).await?.into_iter().map(|row| row.name).collect())
    }

    async fn write(&self, rows: &[SessionKeyWrite]) -> Result<Vec<usize>, KeyRowsError> {
        let place = |row: &SessionKeyWrite| (row.tenant, row.device, row.name.clone());
        assert!(rows.len() <= MAX_BATCH, "DynamoDB takes 25 rows");
        let places: Vec<_> = rows.iter().map(place).collect();
        assert_eq!(places.iter().collect::<HashSet<_>>().len(), rows.len(), "DynamoDB refuses a row twice");
        let request = InFlight::new(&self.state, &places);
        tokio::time::sleep(self.delay).await;
        drop(request);
        let mut state = lock(&self.state);
        if rows.iter().any(|row| state.poison.contains(&row.name)) {
            return Err(KeyRowsError { reason: "row too large".into(), passing: false });
        }
        let left = match state.trouble.pop_front() {
            Some(Trouble::Throttled) => return Err(KeyRowsError::passing("throttled")),
            Some(Trouble::Refused) => return Err(KeyRowsError { reason: "refused".into(), passing: false }),
            Some(Trouble::Unprocessed(places)) => places,
            None => Vec::new(),
        };
        let mut done = Vec::new();
        for (at, row) in rows.iter().enumerate().filter(|(at, _)| !left.contains(at)) {
            done.push(row.name.clone());
            match &row.data {
                Some(data) => state.rows.insert(places[at].clone(), data.clone()),
                None => state.rows.remove(&places[at]),
            };
        }
        state.requests.push(done);
        Ok(left)
    }
}

/// A clock that stands still until it is moved.
#[derive(Default)]
pub(super) struct FixedClock(pub Mutex<i64>);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(*lock(&self.0))
    }
}

/// A tenant and a device.
pub(super) fn ids() -> (TenantId, DeviceId) {
    let now = Timestamp::from_unix_millis(1_700_000_000_000);
    (TenantId::generate(now), DeviceId::generate(now))
}

/// Stores the keys of a device that a phone has linked.
pub(crate) async fn link(store: &SessionStore) {
    let mut device = Device::new();
    device.pn = Some("6281234567890:1@s.whatsapp.net".parse().unwrap());
    store.save(&device).await.unwrap();
}

/// Fast settings: no lingering, short pauses.
pub(super) fn settings() -> CommitSettings {
    CommitSettings {
        linger: Duration::ZERO,
        first_pause: Duration::from_millis(1),
        attempts: 4,
        ..Default::default()
    }
}

/// One device over rows that outlive its store.
pub(super) struct Bench {
    pub rows: FakeRows,
    pub stores: SessionStores,
    pub tenant: TenantId,
    pub device: DeviceId,
    pub lease: Lease,
    pub clock: Arc<FixedClock>,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::over(FakeRows::default())
    }

    pub(super) fn over(rows: FakeRows) -> Self {
        let clock = Arc::new(FixedClock(Mutex::new(1_700_000_000_000)));
        let (tenant, device) = ids();
        let shared_clock: SharedClock = clock.clone();
        let sealer = MasterKey::generate().sealer("session-keys");
        let stores = SessionStores::over(Arc::new(rows.clone()), sealer, shared_clock, settings());
        Self { rows, stores, tenant, device, lease: Lease::forever(0, 1), clock }
    }

    /// Opens the device's store from what is stored.
    pub(super) async fn open(&self) -> Arc<SessionStore> {
        self.stores.open(self.tenant, self.device, self.lease.clone()).await.unwrap()
    }
}
