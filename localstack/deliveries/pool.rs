//! A pool of connections for tries, shared by whoever has some to make. A tenant's part goes by what is free, so that
//! however many take part, something is left for who comes next; a webhook's is fixed.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use shared::domain::ids::{TenantId, WebhookId};
use tokio::time::Instant;

/// Tries under way for one webhook.
const OF_WEBHOOK: usize = 8;

/// A tenant may have as many tries under way as the free connections divided by this, and one in any case: alone a
/// fifth of all, beside others the less the more they are.
const SHARE: usize = 4;

/// The shortest time after which a delivery that got no connection comes back. The queue knows only whole seconds.
const SHORTEST: Duration = Duration::from_secs(1);

/// How long a try is taken to last before one has ended.
const GUESS: Duration = Duration::from_millis(500);

/// How many webhooks or tenants are remembered before those that do nothing are forgotten.
const REMEMBERED: usize = 1_000;

/// The pool. Clones are the same.
#[derive(Clone)]
pub(super) struct Pool(Arc<Mutex<State>>);

struct State {
    free: usize,
    tenants: HashMap<TenantId, Load>,
    webhooks: HashMap<WebhookId, Load>,
}

/// What somebody has under way and waiting.
struct Load {
    under_way: usize,
    /// How long its last try took.
    takes: Duration,
    /// When its last try ended, or the first of those under way began: what is under way takes that long at least.
    since: Instant,
    /// When the last one that got no connection comes back.
    last_back: Instant,
}

/// A connection that a try has until this is dropped.
pub(super) struct Permit {
    pool: Pool,
    tenant: TenantId,
    webhook: WebhookId,
    began: Instant,
}

impl Pool {
    /// A pool of so many connections.
    pub(super) fn new(connections: usize) -> Self {
        Self(Arc::new(Mutex::new(State {
            free: connections,
            tenants: HashMap::new(),
            webhooks: HashMap::new(),
        })))
    }

    /// Takes a connection, or says when to come back: those that wait for the same come back one after another, as
    /// quickly as it is done with them, so that they do not crowd the queue.
    pub(super) fn take(&self, tenant: TenantId, webhook: WebhookId) -> Result<Permit, Duration> {
        let now = Instant::now();
        let mut state = self.lock();
        let State { free, tenants, webhooks } = &mut *state;
        let of_tenant = load(tenants, tenant, now);
        let of_webhook = load(webhooks, webhook, now);
        let share = (*free / SHARE).max(1);
        if of_webhook.under_way >= OF_WEBHOOK {
            return Err(of_webhook.come_back(OF_WEBHOOK, now));
        }
        if *free == 0 || of_tenant.under_way >= share {
            return Err(of_tenant.come_back(share, now));
        }
        *free -= 1;
        of_tenant.begin(now);
        of_webhook.begin(now);
        Ok(Permit { pool: self.clone(), tenant, webhook, began: now })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while holding this.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn load<K: Eq + Hash>(all: &mut HashMap<K, Load>, of: K, now: Instant) -> &mut Load {
    if all.len() > REMEMBERED {
        all.retain(|_, load| load.under_way > 0 || load.last_back > now);
    }
    all.entry(of).or_insert_with(|| Load { under_way: 0, takes: GUESS, since: now, last_back: now })
}

impl Load {
    /// How long the next one that waits for this has to, when so many are done at a time.
    fn come_back(&mut self, at_a_time: usize, now: Instant) -> Duration {
        let at_a_time = u32::try_from(at_a_time).unwrap_or(u32::MAX);
        let waits = if self.under_way > 0 { now - self.since } else { Duration::ZERO };
        self.last_back = self.last_back.max(now + SHORTEST) + self.takes.max(waits) / at_a_time;
        self.last_back - now
    }

    fn begin(&mut self, now: Instant) {
        if self.under_way == 0 {
            self.since = now;
        }
        self.under_way += 1;
    }

    fn end(&mut self, began: Instant, now: Instant) {
        self.under_way -= 1;
        self.takes = now - began;
        self.since = now;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut state = self.pool.lock();
        state.free += 1;
        if let Some(load) = state.webhooks.get_mut(&self.webhook) {
            load.end(self.began, now);
        }
        if let Some(load) = state.tenants.get_mut(&self.tenant) {
            load.end(self.began, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(n: u8) -> (TenantId, WebhookId) {
        (TenantId::derived([n; 32]), WebhookId::derived([n; 32]))
    }

    /// Takes as many as a tenant gets with many webhooks.
    fn all_of(pool: &Pool, tenant: u8) -> Vec<Permit> {
        let webhook = |n| WebhookId::derived(std::array::from_fn(|at| if at == 0 { n } else { tenant }));
        (0..=u8::MAX).map_while(|n| pool.take(ids(tenant).0, webhook(n)).ok()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_webhook_has_eight_connections_and_others_do_not_wait() {
        let pool = Pool::new(128);
        let (tenant, webhook) = ids(1);
        let held: Vec<_> = (0..8).map(|_| pool.take(tenant, webhook).ok().unwrap()).collect();
        assert!(pool.take(tenant, webhook).is_err());
        assert!(pool.take(tenant, ids(2).1).is_ok());
        drop(held);
        assert!(pool.take(tenant, webhook).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_more_tenants_there_are_the_less_each_gets_and_the_next_one_gets_some() {
        let pool = Pool::new(128);
        let mut held: Vec<_> = (1..=12).map(|tenant| all_of(&pool, tenant)).collect();
        let counts: Vec<_> = held.iter().map(Vec::len).collect();
        assert_eq!(counts, [25, 20, 16, 13, 11, 8, 7, 5, 4, 4, 3, 2], "something is left for each");
        assert!(pool.take(ids(13).0, ids(13).1).is_ok());
        // What one gives back is not the first one's again.
        held.drain(1..6);
        assert!(pool.take(ids(1).0, ids(1).1).is_err());
        assert_eq!(all_of(&pool, 14).len(), 15);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_none_gets_the_last_one() {
        let pool = Pool::new(3);
        let held: Vec<_> = (1..=3).map(|n| pool.take(ids(n).0, ids(n).1).ok().unwrap()).collect();
        assert!(pool.take(ids(4).0, ids(4).1).is_err());
        drop(held);
        let _first = pool.take(ids(4).0, ids(4).1).ok().unwrap();
        assert!(pool.take(ids(4).0, ids(5).1).is_err(), "and no second one");
    }

    #[tokio::test(start_paused = true)]
    async fn those_without_a_connection_come_back_one_after_another_as_quickly_as_tries_end() {
        let pool = Pool::new(64);
        let (tenant, webhook) = ids(1);
        let permit = pool.take(tenant, webhook).ok().unwrap();
        tokio::time::sleep(Duration::from_secs(8)).await;
        drop(permit);
        let _held: Vec<_> = (0..8).map(|_| pool.take(tenant, webhook).ok().unwrap()).collect();
        let pauses: Vec<_> =
            (0..5).map(|_| pool.take(tenant, webhook).err().unwrap().as_secs_f64()).collect();
        assert_eq!(pauses, [2.0, 3.0, 4.0, 5.0, 6.0], "a try takes 8 s, and 8 go at a time");
        tokio::time::sleep(Duration::from_secs(60)).await;
        let pause = pool.take(tenant, webhook).err().map(|pause| pause.as_secs_f64());
        assert_eq!(pause, Some(8.5), "by now a try takes a minute at least");
    }
}
