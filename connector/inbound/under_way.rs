//! What the owner sent on another device and is being stored here.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

/// The ids of messages that arrived and are not stored and told of yet. A receipt of one waits for it, so that
/// it finds its message and is told of after it.
#[derive(Debug, Clone, Default)]
pub(crate) struct UnderWay(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    ids: Mutex<HashSet<String>>,
    ended: Notify,
}

/// Messages under way, until it is dropped.
pub(super) struct Entry<'a> {
    under_way: &'a UnderWay,
    ids: Vec<String>,
}

impl UnderWay {
    /// Counts messages in.
    pub(super) fn enter(&self, ids: Vec<String>) -> Entry<'_> {
        self.ids().extend(ids.iter().cloned());
        Entry { under_way: self, ids }
    }

    /// Waits until a message is not under way.
    pub async fn passed(&self, id: &str) {
        loop {
            let ended = self.0.ended.notified();
            if !self.ids().contains(id) {
                return;
            }
            ended.await;
        }
    }

    fn ids(&self) -> MutexGuard<'_, HashSet<String>> {
        // Nothing panics while holding this.
        self.0.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut ids = self.under_way.ids();
        for id in &self.ids {
            ids.remove(id);
        }
        drop(ids);
        self.under_way.0.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_receipt_waits_for_the_message_that_it_is_of_and_for_no_other() {
        let under_way = UnderWay::default();
        let entry = under_way.enter(vec!["A".into()]);
        assert!(under_way.passed("B").now_or_never().is_some());
        let waiting = {
            let under_way = under_way.clone();
            tokio::spawn(async move { under_way.passed("A").await })
        };
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(entry);
        waiting.await.unwrap();
    }
}
