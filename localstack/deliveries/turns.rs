//! How many tries one webhook and one tenant may have under way, and when those that find no place come back.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use shared::domain::ids::{TenantId, WebhookId};
use tokio::time::Instant;

/// Tries under way for one webhook.
const OF_WEBHOOK: usize = 8;

/// Tries under way for one tenant: a quarter of all places.
const OF_TENANT: usize = 16;

/// The shortest time after which a delivery that found no place comes back. The queue knows only whole seconds.
const SHORTEST: Duration = Duration::from_secs(1);

/// How long a try is taken to last before one has ended.
const GUESS: Duration = Duration::from_millis(500);

/// How many webhooks are remembered before those that do nothing are forgotten.
const REMEMBERED: usize = 1_000;

/// Who is at work. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Turns(Arc<Mutex<Busy>>);

#[derive(Default)]
struct Busy {
    tenants: HashMap<TenantId, usize>,
    webhooks: HashMap<WebhookId, Webhook>,
}

struct Webhook {
    under_way: usize,
    /// How long its last try took.
    takes: Duration,
    /// When the last one that found no place comes back.
    last_back: Instant,
}

/// A try under way.
pub(super) struct Turn {
    turns: Turns,
    tenant: TenantId,
    webhook: WebhookId,
    began: Instant,
}

impl Turns {
    /// Takes a turn, or says when to come back: those that wait for one webhook come back one after another, as
    /// quickly as it is done with them, so that they do not crowd the queue.
    pub(super) fn take(&self, tenant: TenantId, webhook: WebhookId) -> Result<Turn, Duration> {
        let now = Instant::now();
        let mut busy = self.lock();
        if busy.webhooks.len() > REMEMBERED {
            busy.webhooks.retain(|_, webhook| webhook.under_way > 0 || webhook.last_back > now);
        }
        let of_tenant = busy.tenants.get(&tenant).copied().unwrap_or_default();
        let new = || Webhook { under_way: 0, takes: GUESS, last_back: now };
        let of_webhook = busy.webhooks.entry(webhook).or_insert_with(new);
        if of_webhook.under_way >= OF_WEBHOOK || of_tenant >= OF_TENANT {
            let places = u32::try_from(OF_WEBHOOK).unwrap_or(1);
            let back = of_webhook.last_back.max(now + SHORTEST) + of_webhook.takes / places;
            of_webhook.last_back = back;
            return Err(back - now);
        }
        of_webhook.under_way += 1;
        *busy.tenants.entry(tenant).or_default() += 1;
        Ok(Turn { turns: self.clone(), tenant, webhook, began: now })
    }

    fn lock(&self) -> MutexGuard<'_, Busy> {
        // Nothing panics while holding this.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut busy = self.turns.lock();
        if let Some(webhook) = busy.webhooks.get_mut(&self.webhook) {
            webhook.under_way -= 1;
            webhook.takes = self.began.elapsed();
        }
        if let Some(count) = busy.tenants.get_mut(&self.tenant) {
            *count -= 1;
            if *count == 0 {
                busy.tenants.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(n: u8) -> (TenantId, WebhookId) {
        (TenantId::derived([n; 32]), WebhookId::derived([n; 32]))
    }

    #[tokio::test(start_paused = true)]
    async fn a_webhook_has_eight_places_and_a_tenant_sixteen() {
        let turns = Turns::default();
        let (tenant, webhook) = ids(1);
        let mut held: Vec<_> = (0..8).map(|_| turns.take(tenant, webhook).ok().unwrap()).collect();
        assert!(turns.take(tenant, webhook).is_err());
        held.extend((0..8).map(|_| turns.take(tenant, ids(2).1).ok().unwrap()));
        assert!(turns.take(tenant, ids(3).1).is_err(), "the tenant has its share");
        let (other, theirs) = ids(4);
        assert!(turns.take(other, theirs).is_ok(), "others do not wait");
        held.pop();
        assert!(turns.take(tenant, ids(3).1).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn those_without_a_place_come_back_one_after_another_as_quickly_as_tries_end() {
        let turns = Turns::default();
        let (tenant, webhook) = ids(1);
        let turn = turns.take(tenant, webhook).ok().unwrap();
        tokio::time::sleep(Duration::from_secs(8)).await;
        drop(turn);
        let _held: Vec<_> = (0..8).map(|_| turns.take(tenant, webhook).ok().unwrap()).collect();
        let pauses: Vec<_> =
            (0..5).map(|_| turns.take(tenant, webhook).err().unwrap().as_secs_f64()).collect();
        assert_eq!(pauses, [2.0, 3.0, 4.0, 5.0, 6.0], "a try takes 8 s, and 8 go at a time");
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!(turns.take(tenant, webhook).err(), Some(Duration::from_secs(2)));
    }
}
