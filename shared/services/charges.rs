//! Counting what tenants use, many requests in one write. While a write for a tenant is under way, others of the
//! same tenant and the same limits gather, and go out together in the next one. Who is alone waits for nobody.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use super::Error;
use crate::{
    clock::Timestamp,
    domain::{
        ids::TenantId,
        plan::{Meter, Rate},
    },
    store::{
        Db, StoreError,
        counters::{self, Charged, LimitUse},
    },
};

/// What is written together: one tenant's requests that count against the same limits.
type Key = (TenantId, Vec<(Meter, Rate)>);

/// A request that waits to be counted.
struct Waiting {
    now: Timestamp,
    answer: oneshot::Sender<Result<Charged, Arc<StoreError>>>,
}

/// Those who wait for the write that is under way. A key without a write has no entry.
type Gathered = Arc<Mutex<HashMap<Key, Vec<Waiting>>>>;

/// The charges of one process. Clones are the same.
#[derive(Clone, Default)]
pub struct Charges(Gathered);

/// Where is counted: the store, and something simpler in tests.
trait Count: Send + Sync + 'static {
    /// Counts so many at once, all or none.
    fn charge(
        &self,
        key: &Key,
        count: u32,
        now: Timestamp,
    ) -> impl Future<Output = Result<Charged, StoreError>> + Send;
}

impl Count for Db {
    async fn charge(&self, key: &Key, count: u32, now: Timestamp) -> Result<Charged, StoreError> {
        counters::charge(self, key.0, &key.1, count, now).await
    }
}

impl Charges {
    /// Counts one request of a tenant on each of these meters, unless a limit is reached.
    pub(super) async fn charge(
        &self,
        db: &Db,
        tenant: TenantId,
        limits: Vec<(Meter, Rate)>,
        now: Timestamp,
    ) -> Result<Charged, Error> {
        self.charge_in(db, (tenant, limits), now).await
    }

    async fn charge_in(
        &self,
        counters: &(impl Count + Clone),
        key: Key,
        now: Timestamp,
    ) -> Result<Charged, Error> {
        let (answer, counted) = oneshot::channel();
        let waiting = Waiting { now, answer };
        let first = match lock(&self.0).entry(key.clone()) {
            Entry::Occupied(mut others) => {
                others.get_mut().push(waiting);
                None
            }
            Entry::Vacant(free) => {
                free.insert(Vec::new());
                Some(waiting)
            }
        };
        if let Some(first) = first {
            // In a task of its own: whoever hangs up, the others are counted.
            let writer = Writer { gathered: self.0.clone(), key, is_done: false };
            tokio::spawn(writer.run(counters.clone(), first));
        }
        Ok(counted.await.map_err(Error::internal)??)
    }
}

/// Writes for one key until nobody waits any more.
struct Writer {
    gathered: Gathered,
    key: Key,
    is_done: bool,
}

impl Writer {
    async fn run(mut self, counters: impl Count, first: Waiting) {
        let mut together = vec![first];
        loop {
            self.write(&counters, together).await;
            let mut gathered = lock(&self.gathered);
            together = gathered.get_mut(&self.key).map(std::mem::take).unwrap_or_default();
            if together.is_empty() {
                gathered.remove(&self.key);
                self.is_done = true;
                return;
            }
        }
    }

    /// Counts them all, or as many as there is room for, the first ones first.
    async fn write(&self, counters: &impl Count, together: Vec<Waiting>) {
        let Some(now) = together.iter().map(|waiting| waiting.now).max() else { return };
        let mut waiting = together.into_iter();
        let mut next = waiting.len();
        while waiting.len() > 0 {
            let count = u32::try_from(next).unwrap_or(u32::MAX);
            match counters.charge(&self.key, count, now).await {
                Ok(Charged::Done(standings)) => {
                    for (n, one) in (1..=count).zip(waiting.by_ref()) {
                        one.tell(Ok(Charged::Done(as_of(&standings, count - n))));
                    }
                    next = waiting.len();
                }
                Ok(Charged::Refused(standings)) => {
                    let room = standings.iter().map(|s| s.rate.limit.saturating_sub(s.used)).min();
                    let room = usize::try_from(room.unwrap_or_default()).unwrap_or(usize::MAX);
                    if room == 0 || next == 1 {
                        waiting.by_ref().for_each(|one| one.tell(Ok(Charged::Refused(standings.clone()))));
                    }
                    // Others count, too: what there was room for may be gone.
                    next = room.min(next - 1);
                }
                Err(error) => {
                    let error = Arc::new(error);
                    waiting.by_ref().for_each(|one| one.tell(Err(error.clone())));
                }
            }
        }
    }
}

/// Should a write end in another way, those who wait are told, and who comes later begins anew.
impl Drop for Writer {
    fn drop(&mut self) {
        if !self.is_done {
            lock(&self.gathered).remove(&self.key);
        }
    }
}

impl Waiting {
    /// Who hung up needs no answer.
    fn tell(self, answer: Result<Charged, Arc<StoreError>>) {
        drop(self.answer.send(answer));
    }
}

/// How it stood before so many more were counted.
fn as_of(standings: &[LimitUse], later: u32) -> Vec<LimitUse> {
    standings.iter().map(|s| LimitUse { used: s.used.saturating_sub(later), ..*s }).collect()
}

fn lock(gathered: &Gathered) -> MutexGuard<'_, HashMap<Key, Vec<Waiting>>> {
    gathered.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{domain::plan::Span, services::ErrorCode};

    /// Counters in memory that are slow, so that others gather meanwhile.
    #[derive(Clone, Default)]
    struct Slow(Arc<Mutex<Ledger>>);

    #[derive(Default)]
    struct Ledger {
        used: u32,
        writes: u32,
        is_away: bool,
    }

    impl Slow {
        fn ledger(&self) -> MutexGuard<'_, Ledger> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    impl Count for Slow {
        async fn charge(&self, key: &Key, count: u32, _: Timestamp) -> Result<Charged, StoreError> {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let mut ledger = self.ledger();
            ledger.writes += 1;
            assert!(ledger.writes != 13, "unlucky");
            if ledger.is_away {
                return Err(StoreError::Unavailable("away".into()));
            }
            let (meter, rate) = key.1[0];
            let fits = ledger.used + count <= rate.limit;
            ledger.used += if fits { count } else { 0 };
            let standings =
                vec![LimitUse { meter, rate, used: ledger.used, is_noted: false, is_told: false }];
            Ok(if fits { Charged::Done(standings) } else { Charged::Refused(standings) })
        }
    }

    fn key(tenant: u8, limit: u32) -> Key {
        (TenantId::derived([tenant; 32]), vec![(Meter::ApiCalls, Rate { limit, per: Span::Hour })])
    }

    async fn at_once(
        charges: &Charges,
        counters: &Slow,
        key: &Key,
        count: usize,
    ) -> Vec<Result<Charged, Error>> {
        let mut all = Vec::new();
        for _ in 0..count {
            let (charges, counters, key) = (charges.clone(), counters.clone(), key.clone());
            let now = Timestamp::from_unix_millis(0);
            all.push(tokio::spawn(async move { charges.charge_in(&counters, key, now).await }));
        }
        let mut answers = Vec::new();
        for one in all {
            answers.push(one.await.unwrap());
        }
        answers
    }

    fn used(answers: &[Result<Charged, Error>]) -> Vec<u32> {
        let done = answers.iter().filter_map(|answer| match answer {
            Ok(Charged::Done(standings)) => Some(standings[0].used),
            _ => None,
        });
        let mut used: Vec<_> = done.collect();
        used.sort_unstable();
        used
    }

    #[tokio::test]
    async fn many_at_once_share_a_write_and_each_has_a_place_of_its_own() {
        let (charges, counters) = (Charges::default(), Slow::default());
        let answers = at_once(&charges, &counters, &key(1, 1000), 60).await;
        assert_eq!(used(&answers), (1..=60).collect::<Vec<_>>());
        assert_eq!(counters.ledger().writes, 2, "the first alone, and all that came meanwhile");
        assert!(lock(&charges.0).is_empty());
        at_once(&charges, &counters, &key(1, 1000), 1).await;
        let ledger = counters.ledger();
        assert_eq!((ledger.writes, ledger.used), (3, 61));
    }

    #[tokio::test]
    async fn as_many_are_admitted_as_there_is_room_for() {
        for limit in [0, 1, 2, 19, 20, 49] {
            let (charges, counters) = (Charges::default(), Slow::default());
            let answers = at_once(&charges, &counters, &key(1, limit), 50).await;
            assert_eq!(used(&answers), (1..=limit).collect::<Vec<_>>());
            for answer in answers {
                match answer.unwrap() {
                    Charged::Refused(standings) => assert_eq!(standings[0].used, limit),
                    Charged::Done(standings) => assert!(standings[0].used <= limit),
                }
            }
            let writes = counters.ledger().writes;
            assert!(writes <= 4, "{writes}");
        }
    }

    #[tokio::test]
    async fn others_limits_and_tenants_do_not_wait_for_each_other() {
        let (charges, counters) = (Charges::default(), Slow::default());
        let keys = [key(1, 9), key(2, 9), key(1, 8)];
        let all = keys.iter().map(|key| at_once(&charges, &counters, key, 1));
        let [a, b, c]: [_; 3] = all.collect::<Vec<_>>().try_into().ok().unwrap();
        tokio::join!(a, b, c);
        assert_eq!(counters.ledger().writes, 3);
    }

    #[tokio::test]
    async fn an_error_is_everybodys_and_a_panic_stops_nobody_who_comes_later() {
        let (charges, counters) = (Charges::default(), Slow::default());
        counters.ledger().is_away = true;
        let answers = at_once(&charges, &counters, &key(1, 9), 5).await;
        assert!(
            answers
                .iter()
                .all(|answer| answer.as_ref().is_err_and(|error| error.code == ErrorCode::Unavailable))
        );
        counters.ledger().writes = 12;
        let answers = at_once(&charges, &counters, &key(1, 9), 5).await;
        assert!(
            answers
                .iter()
                .all(|answer| answer.as_ref().is_err_and(|error| error.code == ErrorCode::Internal))
        );
        counters.ledger().is_away = false;
        assert_eq!(used(&at_once(&charges, &counters, &key(1, 9), 5).await), [1, 2, 3, 4, 5]);
    }
}
