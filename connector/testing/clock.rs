//! A clock that goes with Tokio's time, which tests pause and move.

use shared::clock::{Clock, Timestamp};
use tokio::time::Instant;

pub(super) struct PausedClock(Instant);

impl PausedClock {
    pub fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for PausedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(1_800_000_000_000) + self.0.elapsed()
    }
}
