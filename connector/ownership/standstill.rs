//! Sees whether counters of others stand still, by this process's own clock.

use std::{collections::HashMap, hash::Hash};

use tokio::time::Instant;

use super::TAKEOVER_AFTER;

/// Since when each counter has stood where it stands.
#[derive(Debug)]
pub(super) struct Standstill<K, V>(HashMap<K, (V, Instant)>);

impl<K, V> Default for Standstill<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq, V: PartialEq> Standstill<K, V> {
    /// Notes where a counter stands now; says whether it has not moved for so long that whoever moves it must
    /// have ended. A counter that is seen for the first time has moved just now.
    pub fn stands(&mut self, key: K, value: V) -> bool {
        let now = Instant::now();
        match self.0.get_mut(&key) {
            Some((seen, since)) if *seen == value => now.duration_since(*since) >= TAKEOVER_AFTER,
            _ => {
                self.0.insert(key, (value, now));
                false
            }
        }
    }

    /// Forgets the counters that are gone.
    pub fn keep(&mut self, there: impl Fn(&K) -> bool) {
        self.0.retain(|key, _| there(key));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_counter_stands_still_when_it_has_not_moved_for_ten_seconds_since_it_was_seen() {
        let mut counters = Standstill::default();
        assert!(!counters.stands("a", 7));
        tokio::time::advance(Duration::from_secs(9)).await;
        assert!(!counters.stands("a", 7));
        assert!(!counters.stands("b", 7));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(counters.stands("a", 7));
        assert!(!counters.stands("b", 7));
        assert!(!counters.stands("a", 8));
        tokio::time::advance(Duration::from_secs(10)).await;
        counters.keep(|name| *name == "a");
        assert!(counters.stands("a", 8));
        assert!(!counters.stands("b", 7));
    }
}
