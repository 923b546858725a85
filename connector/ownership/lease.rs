//! The right to serve a shard, for as long as it lasts.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

/// The term of a shard's owner. A later owner has a higher one.
pub type Epoch = u64;

/// Instants are kept as milliseconds since the first look at this, so that they fit an atomic.
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The right to serve a shard. Clones are the same lease: what prolongs or ends one, does so to all.
///
/// It ends by this process's own clock, which goes on while the process is stopped (SIGSTOP), before
/// another connector may take the shard. Whoever is about to do something that only the holder may do
/// asks [`Lease::holds`] right before.
#[derive(Debug, Clone)]
pub struct Lease {
    shard: u16,
    epoch: Epoch,
    /// Milliseconds since [`BEGAN`].
    good_until: Arc<AtomicU64>,
}

impl Lease {
    /// A lease that is good until `until`.
    pub fn until(shard: u16, epoch: Epoch, until: Instant) -> Self {
        Self { shard, epoch, good_until: Arc::new(AtomicU64::new(millis(until))) }
    }

    /// A lease without end, for who is alone.
    pub fn forever(shard: u16, epoch: Epoch) -> Self {
        Self { shard, epoch, good_until: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    /// The shard.
    pub fn shard(&self) -> u16 {
        self.shard
    }

    /// The term.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Whether it is good now.
    pub fn holds(&self) -> bool {
        millis(Instant::now()) < self.good_until.load(Ordering::Acquire)
    }

    /// Prolongs it. One that has ended stays ended.
    pub fn prolong(&self, until: Instant) {
        let (now, until) = (millis(Instant::now()), millis(until));
        let longer = |good: u64| (good > now && good < until).then_some(until);
        // Nothing to do when it ended meanwhile, or is good for longer.
        let _unchanged = self.good_until.fetch_update(Ordering::AcqRel, Ordering::Acquire, longer);
    }

    /// Ends it at once.
    pub fn end(&self) {
        self.good_until.store(0, Ordering::Release);
    }
}

fn millis(at: Instant) -> u64 {
    // Beginning somewhat before the first look, so that no instant is zero.
    const BEFORE: Duration = Duration::from_secs(3600);
    let since = at.saturating_duration_since(*BEGAN) + BEFORE;
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_lease_ends_by_the_clock_and_cannot_be_prolonged_then() {
        let lease = Lease::until(0, 1, Instant::now() + Duration::from_secs(10));
        let clone = lease.clone();
        tokio::time::advance(Duration::from_secs(8)).await;
        assert!(clone.holds());
        lease.prolong(Instant::now() + Duration::from_secs(10));
        tokio::time::advance(Duration::from_secs(9)).await;
        assert!(clone.holds());
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(!clone.holds());
        lease.prolong(Instant::now() + Duration::from_secs(10));
        assert!(!clone.holds());
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_that_was_ended_is_over_for_all_clones() {
        let lease = Lease::forever(0, 1);
        assert!(lease.holds());
        lease.clone().end();
        assert!(!lease.holds());
    }
}
