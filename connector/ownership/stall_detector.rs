//! Sees whether counters of others stand still, by this process's own clock.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::Hash,
    time::Duration,
};

use tokio::time::Instant;

use super::TAKEOVER_AFTER;

/// Since when each counter has stood where it stands, and since when it is known.
#[derive(Debug)]
pub(super) struct StallDetector<K, V>(HashMap<K, Seen<V>>);

#[derive(Debug)]
struct Seen<V> {
    value: V,
    since: Instant,
    first: Instant,
}

impl<K, V> Default for StallDetector<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq, V: PartialEq> StallDetector<K, V> {
    /// Notes where a counter stands now; says whether it has not moved for so long that whoever moves it must
    /// have ended. A counter that is seen for the first time has moved just now.
    pub fn is_stalled(&mut self, key: K, value: V) -> bool {
        self.is_stalled_with_age(key, value, Duration::ZERO)
    }

    /// The same, of a counter that is said to have moved last so long ago. Only for what a wrong clock of another
    /// machine may distort.
    pub fn is_stalled_with_age(&mut self, key: K, value: V, age: Duration) -> bool {
        let now = Instant::now();
        match self.0.entry(key) {
            Entry::Occupied(mut known) => {
                let seen = known.get_mut();
                if seen.value == value {
                    return now.duration_since(seen.since) >= TAKEOVER_AFTER;
                }
                *seen = Seen { value, since: now, first: seen.first };
                false
            }
            Entry::Vacant(place) => {
                let since = now.checked_sub(age.min(TAKEOVER_AFTER)).unwrap_or(now);
                place.insert(Seen { value, since, first: now });
                age >= TAKEOVER_AFTER
            }
        }
    }

    /// Whether the counter has been known for so long that its mover would by now see others stand still.
    pub fn is_settled(&self, key: &K) -> bool {
        self.0.get(key).is_some_and(|seen| seen.first.elapsed() >= TAKEOVER_AFTER)
    }

    /// Forgets the counters that are gone.
    pub fn keep(&mut self, there: impl Fn(&K) -> bool) {
        self.0.retain(|key, _| there(key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_counter_stands_still_when_it_has_not_moved_for_ten_seconds_since_it_was_seen() {
        let mut counters = StallDetector::default();
        assert!(!counters.is_stalled("a", 7));
        tokio::time::advance(Duration::from_secs(9)).await;
        assert!(!counters.is_stalled("a", 7));
        assert!(!counters.is_stalled("b", 7));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(counters.is_stalled("a", 7));
        assert!(!counters.is_stalled("b", 7));
        assert!(!counters.is_stalled("a", 8));
        tokio::time::advance(Duration::from_secs(10)).await;
        counters.keep(|name| *name == "a");
        assert!(counters.is_stalled("a", 8));
        assert!(!counters.is_stalled("b", 7));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_said_of_a_counter_counts_until_it_is_seen_to_move() {
        let mut counters = StallDetector::default();
        assert!(!counters.is_stalled_with_age("a", 7, Duration::from_secs(4)));
        assert!(counters.is_stalled_with_age("b", 7, Duration::from_secs(40)));
        tokio::time::advance(Duration::from_secs(6)).await;
        assert!(counters.is_stalled_with_age("a", 7, Duration::ZERO));
        assert!(!counters.is_stalled_with_age("b", 8, Duration::from_secs(46)), "its clock is wrong");
    }

    #[tokio::test(start_paused = true)]
    async fn a_counter_is_settled_ten_seconds_after_it_was_first_seen_however_it_moves() {
        let mut counters = StallDetector::default();
        for value in 0..10 {
            counters.is_stalled("a", value);
            assert!(!counters.is_settled(&"a"));
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert!(counters.is_settled(&"a"));
        assert!(!counters.is_settled(&"b"));
    }
}
