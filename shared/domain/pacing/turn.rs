//! The rule: when a device's next message may go.

use std::time::Duration;

use super::{
    Limit, Pacing, SendLog,
    log::{HOUR_MS, MINUTE_MS, millis, timestamp},
};
use crate::{clock::Timestamp, domain::jid::Jid};

/// When a message may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Not before that.
    pub at: Timestamp,
    /// What it waits for until then; `None` when it may go at once.
    pub limit: Option<Limit>,
}

impl Pacing {
    /// Whether there is any limit or pause: if not, nothing needs to be remembered.
    pub fn is_limited(&self) -> bool {
        let Self { min_delay_ms, max_delay_ms, per_minute, per_hour, per_recipient_per_hour } = *self;
        [min_delay_ms, max_delay_ms, per_minute, per_hour, per_recipient_per_hour].iter().any(|n| *n > 0)
    }

    /// When the next message to `recipient` may go, with `delay` drawn for the pause behind the latest one: the
    /// earliest time at which all limits let it, and the one that is the last to do so. No window, wherever it
    /// begins, ever has more sends than its limit. A window does not have its end in it.
    pub fn turn(&self, log: &SendLog, delay: Duration, recipient: &Jid, now: Timestamp) -> Turn {
        let window =
            |limit: u32, length: u64, to: Option<&Jid>| log.nth_last(limit, to).map(|at| at + length);
        let limits = [
            (Limit::Delay, self.after_the_last(log, delay, recipient)),
            (Limit::PerMinute, window(self.per_minute, MINUTE_MS, None)),
            (Limit::PerHour, window(self.per_hour, HOUR_MS, None)),
            (Limit::PerRecipient, window(self.per_recipient_per_hour, HOUR_MS, Some(recipient))),
        ];
        let (mut latest, mut turn) = (millis(now), Turn { at: now, limit: None });
        for (limit, at) in limits {
            if let Some(at) = at.filter(|at| *at > latest) {
                latest = at;
                turn = Turn { at: timestamp(at), limit: Some(limit) };
            }
        }
        turn
    }

    /// When the pause behind the latest send is over. That there is none does not make two sends one: the log
    /// tells sends to one recipient apart by their millisecond.
    fn after_the_last(&self, log: &SendLog, delay: Duration, recipient: &Jid) -> Option<u64> {
        let last = log.last()?;
        let delay = u64::try_from(delay.as_micros().div_ceil(1000)).unwrap_or(u64::MAX);
        match delay {
            0 if log.has(last, recipient) => Some(last + 1),
            _ => Some(last.saturating_add(delay)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pacing::tests::{jid, unlimited};
    use proptest::prelude::*;

    const START: u64 = 1_790_000_000_000;

    fn after(millis: u64) -> Timestamp {
        timestamp(START + millis)
    }

    fn turn(pacing: &Pacing, sends: &[(u64, u8)], delay_ms: u64, to: u8, now: u64) -> Turn {
        let mut log = SendLog::default();
        for (at, to) in sends {
            log.record(after(*at), &jid(*to), pacing);
        }
        pacing.turn(&log, Duration::from_millis(delay_ms), &jid(to), after(now))
    }

    #[test]
    fn each_limit_lets_wait_until_its_window_has_room() {
        let wait = |pacing: &Pacing, sends: &[(u64, u8)], to, now| turn(pacing, sends, 0, to, now);
        let minute = Pacing { per_minute: 2, ..unlimited() };
        let until = |at, limit| Turn { at: after(at), limit: Some(limit) };
        assert_eq!(wait(&minute, &[(0, 1), (500, 2)], 3, 600), until(60_000, Limit::PerMinute));
        let hour = Pacing { per_hour: 2, per_minute: 2, ..unlimited() };
        assert_eq!(wait(&hour, &[(0, 1), (500, 2)], 3, 600), until(3_600_000, Limit::PerHour));
        let recipient = Pacing { per_recipient_per_hour: 1, ..unlimited() };
        assert_eq!(wait(&recipient, &[(0, 1), (500, 2)], 2, 600), until(3_600_500, Limit::PerRecipient));
        assert_eq!(wait(&recipient, &[(0, 1), (500, 2)], 3, 600), Turn { at: after(600), limit: None });
    }

    #[test]
    fn the_limit_that_is_the_last_to_allow_is_named() {
        let pacing = Pacing { per_minute: 1, ..unlimited() };
        let by = |delay| turn(&pacing, &[(0, 1)], delay, 2, 10).limit;
        assert_eq!((by(59_000), by(61_000)), (Some(Limit::PerMinute), Some(Limit::Delay)));
    }

    #[test]
    fn zero_is_no_limit() {
        let sends: Vec<_> = (0..200).map(|n| (n, 1)).collect();
        assert_eq!(turn(&unlimited(), &sends, 0, 1, 200), Turn { at: after(200), limit: None });
        assert!(!unlimited().is_limited() && Pacing::default().is_limited());
        assert!(Pacing { per_hour: 1, ..unlimited() }.is_limited());
    }

    #[test]
    fn a_first_message_goes_at_once() {
        let turn = Pacing::default().turn(&SendLog::default(), Duration::from_secs(5), &jid(1), after(0));
        assert_eq!(turn, Turn { at: after(0), limit: None });
    }

    fn any_pacing() -> impl Strategy<Value = Pacing> {
        (0u32..5, 0u32..8, 0u32..4).prop_map(|(per_minute, per_hour, per_recipient_per_hour)| Pacing {
            per_minute,
            per_hour,
            per_recipient_per_hour,
            ..unlimited()
        })
    }

    /// The most sends that any window of this length has, straight from what a window is.
    fn fullest(sends: &[(u64, u8)], length: u64) -> usize {
        sends
            .iter()
            .map(|(from, _)| sends.iter().filter(|(at, _)| (*from..from + length).contains(at)).count())
            .max()
            .unwrap_or_default()
    }

    /// Whether a message may go at `at`, straight from what the limits are.
    fn may_go(pacing: &Pacing, sends: &[(u64, u8)], delay: u64, to: u8, at: u64) -> bool {
        let mut with = sends.to_vec();
        with.push((at, to));
        let to_one: Vec<_> = with.iter().filter(|(_, one)| *one == to).copied().collect();
        let last = sends.iter().map(|(at, _)| *at).max();
        let holds =
            |limit: u32, sends: &[(u64, u8)], length| limit == 0 || fullest(sends, length) <= limit as usize;
        last.is_none_or(|last| at >= last + delay)
            && !sends.contains(&(at, to))
            && holds(pacing.per_minute, &with, MINUTE_MS)
            && holds(pacing.per_hour, &with, HOUR_MS)
            && holds(pacing.per_recipient_per_hour, &to_one, HOUR_MS)
    }

    proptest! {
        /// However messages come, and whatever is stored and read back between them.
        #[test]
        fn limits_and_pauses_hold_and_nothing_waits_longer_than_needed(
            pacing in any_pacing(),
            wishes in prop::collection::vec((0u64..400_000, 0u8..4, 0u64..20_000, any::<bool>()), 1..40),
        ) {
            let (mut log, mut sends, mut now) = (SendLog::default(), Vec::new(), 0);
            for (pause, to, delay, restarted) in wishes {
                now += pause;
                let turn = pacing.turn(&log, Duration::from_millis(delay), &jid(to), after(now));
                let at = millis(turn.at) - START;
                prop_assert!(at >= now);
                prop_assert_eq!(turn.limit.is_none(), at == now);
                prop_assert!(may_go(&pacing, &sends, delay, to, at));
                if at > now {
                    prop_assert!(!may_go(&pacing, &sends, delay, to, at - 1));
                }
                log.record(turn.at, &jid(to), &pacing);
                log.record(turn.at, &jid(to), &pacing);
                sends.push((at, to));
                now = at;
                if restarted {
                    log = serde_json::from_value(serde_json::to_value(&log).unwrap()).unwrap();
                }
            }
        }
    }
}
