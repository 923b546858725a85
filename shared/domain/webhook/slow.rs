//! Receivers that let Kurir wait. For a while their deliveries go through a queue and a pool of connections of their
//! own, so that nobody else waits behind them.

use std::time::Duration;

use super::{Trigger, Webhook};
use crate::clock::Timestamp;

/// A try that takes this long is slow, whatever comes of it.
pub const SLOW_TRY: Duration = Duration::from_secs(3);

/// How long a webhook counts as slow after a slow try.
pub const SLOW_FOR: Duration = Duration::from_secs(600);

impl Webhook {
    /// Whether a delivery belongs into the queue for slow receivers: those of a slow webhook, and replays, of which
    /// there may be many at once.
    pub fn goes_slowly(&self, trigger: Trigger, now: Timestamp) -> bool {
        trigger == Trigger::Replay || self.slow_until.is_some_and(|until| until > now)
    }

    /// Until when it counts as slow because of a try that took this long. Nothing when that is not to be written
    /// down: the try was quick, or nearly as much is known already.
    pub fn slow_mark(&self, took: Duration, now: Timestamp) -> Option<Timestamp> {
        let is_news = self.slow_until.is_none_or(|until| until.since(now) < SLOW_FOR / 2);
        (took >= SLOW_TRY && is_news).then(|| now + SLOW_FOR)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::webhook, *};

    #[test]
    fn a_slow_try_makes_a_webhook_slow_for_a_while_and_is_written_down_seldom() {
        let start = Timestamp::from_unix_millis(0);
        let mut hook = webhook(&["*"], Vec::new());
        assert!(!hook.goes_slowly(Trigger::Event, start) && hook.goes_slowly(Trigger::Replay, start));
        assert_eq!(hook.slow_mark(SLOW_TRY - Duration::from_millis(1), start), None);
        hook.slow_until = hook.slow_mark(SLOW_TRY, start);
        assert!(hook.goes_slowly(Trigger::Event, start + Duration::from_secs(599)));
        assert!(!hook.goes_slowly(Trigger::Event, start + SLOW_FOR));
        assert_eq!(hook.slow_mark(SLOW_TRY, start + Duration::from_secs(200)), None);
        let later = start + Duration::from_secs(400);
        assert_eq!(hook.slow_mark(SLOW_TRY, later), Some(later + SLOW_FOR));
    }
}
