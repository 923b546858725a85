//! What is known of messages without asking the table.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use moka::future::Cache;
use shared::{domain::message::MessageStatus, services::messages::Recorded, store::messages::Step};

use super::waiting::{Key, News};

/// How many messages are remembered.
const CAPACITY: u64 = 50_000;

/// How many ids that nobody here sent, with their receipts, and for how long: the message may still come.
const MAX_EARLY_IDS: u64 = 10_000;
/// How many news of one such id that come from different places: anybody may send receipts of it.
const MAX_EARLY_NEWS_PER_ID: usize = 8;
const EARLY_TTL: Duration = Duration::from_secs(15 * 60);

/// What is known of an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Known {
    /// A message, and how far it has come at least.
    There(Recorded),
    /// No message of this device.
    Missing,
}

pub(super) struct Memory {
    there: Cache<Key, Recorded>,
    /// Ids that are missing, with what came of them.
    early: Cache<Key, Vec<News>>,
    /// Grows with each message of an owner's that is stored.
    arrivals: AtomicU64,
}

impl Default for Memory {
    fn default() -> Self {
        let early = Cache::builder().max_capacity(MAX_EARLY_IDS).time_to_live(EARLY_TTL).build();
        Self { there: Cache::new(CAPACITY), early, arrivals: AtomicU64::new(0) }
    }
}

impl Memory {
    /// What is known of the message that a step may be of: where it is looked for depends on whose step it is.
    pub async fn get(&self, key: &Key, step: &Step) -> Option<Known> {
        if let Some(there) = self.there.get(key).await {
            return Some(Known::There(there));
        }
        let early = self.early.get(key).await?;
        early.iter().any(|news| news.step.only == step.only).then_some(Known::Missing)
    }

    /// A message is there, and has come so far. What failed is not remembered: it may be asked for again.
    pub async fn there(&self, key: Key, recorded: Recorded) {
        use MessageStatus::{Delivered, Read, Sent};
        if [Sent, Delivered, Read].contains(&recorded.status) {
            self.there.insert(key, recorded).await;
        } else {
            self.there.invalidate(&key).await;
        }
    }

    /// How many messages of owners were stored.
    pub fn arrivals(&self) -> u64 {
        self.arrivals.load(Ordering::Acquire)
    }

    /// There is no such message; its news are kept for when it comes. `true` when it may have come since `before`,
    /// and is to be looked for once more: then nothing is kept.
    pub async fn missing(&self, key: &Key, news: News, before: u64) -> bool {
        self.there.invalidate(key).await;
        let mut all = self.early.get(key).await.unwrap_or_default();
        news.join(&mut all);
        all.truncate(MAX_EARLY_NEWS_PER_ID);
        self.early.insert(key.clone(), all).await;
        let came = self.arrivals() != before;
        if came {
            self.early.invalidate(key).await;
        }
        came
    }

    /// A message of an owner's is stored; what came of it before.
    pub async fn stored(&self, key: &Key) -> Vec<News> {
        self.arrivals.fetch_add(1, Ordering::AcqRel);
        self.early.remove(key).await.unwrap_or_default()
    }
}
