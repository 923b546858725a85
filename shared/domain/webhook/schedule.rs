//! When a delivery that failed is tried again, and how a queue that holds nothing back for longer than a quarter
//! of an hour is made to do so.

use std::time::Duration;

/// The pauses between tries: quick ones for what passes soon, long ones for what has to be mended.
pub const RETRIES: [Duration; 10] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(16),
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3600),
    Duration::from_secs(6 * 3600),
];

/// How long nothing but failures disables a webhook.
pub const GIVE_UP_AFTER: Duration = Duration::from_secs(5 * 24 * 3600);

/// The longest that SQS holds a message back.
pub const LONGEST_QUEUE_DELAY: Duration = Duration::from_secs(900);

/// By how much a pause is longer or shorter at most, so that what failed together does not come back together.
const JITTER: f64 = 0.1;

/// SQS holds messages back for whole seconds: what is due within half of one is due.
const CLOSE_ENOUGH: Duration = Duration::from_millis(500);

/// How long to wait after the try of this number (the first is 1) has failed; `None` when it was the last.
/// `random` is between 0 and 1; `scale` shortens all pauses, for tests.
pub fn next_pause(attempt: u32, random: f64, scale: f64) -> Option<Duration> {
    let pause = RETRIES.get(usize::try_from(attempt.checked_sub(1)?).ok()?)?;
    Some(pause.mul_f64((1.0 + JITTER * (2.0 * random.clamp(0.0, 1.0) - 1.0)) * scale))
}

/// Whether a try that is this far ahead is made now.
pub fn is_due(ahead: Duration) -> bool {
    ahead <= CLOSE_ENOUGH
}

/// How long, in whole seconds, the queue is to hold back a message whose try is this far ahead. When that is
/// not enough, the message is sent on.
pub fn queue_delay(ahead: Duration) -> Duration {
    let rounded = (ahead.min(LONGEST_QUEUE_DELAY) + CLOSE_ENOUGH).as_secs();
    Duration::from_secs(rounded.min(LONGEST_QUEUE_DELAY.as_secs()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_pauses_are_those_that_were_promised() {
        let pauses: Vec<_> =
            (1..).map_while(|attempt| next_pause(attempt, 0.5, 1.0)).map(|pause| pause.as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 60, 300, 1800, 7200, 21600]);
        assert_eq!(next_pause(11, 0.5, 1.0), None);
        assert_eq!(next_pause(0, 0.5, 1.0), None);
    }

    proptest! {
        #[test]
        fn jitter_is_a_tenth_at_most_and_scale_shortens(attempt in 1u32..=10, random in 0.0f64..=1.0, scale in 0.0001f64..=1.0) {
            let pause = next_pause(attempt, random, scale).unwrap();
            let exact = RETRIES[attempt as usize - 1].mul_f64(scale);
            prop_assert!(pause >= exact.mul_f64(0.899_999) && pause <= exact.mul_f64(1.100_001), "{:?} of {:?}", pause, exact);
        }

        #[test]
        fn a_message_that_is_sent_on_arrives_when_it_is_due(ahead_ms in 0u64..100_000_000) {
            // As the runner does: wait what the queue takes, look again.
            let (mut left, mut hops) = (i64::try_from(ahead_ms).unwrap(), 0);
            while !is_due(Duration::from_millis(u64::try_from(left).unwrap_or_default())) {
                let delay = queue_delay(Duration::from_millis(u64::try_from(left).unwrap())).as_secs();
                prop_assert!((1..=900).contains(&delay), "{} s", delay);
                left -= i64::try_from(delay).unwrap() * 1000;
                hops += 1;
            }
            prop_assert!(left.abs() <= 500, "{} ms off", left);
            prop_assert!(hops <= ahead_ms / 900_000 + 1);
        }
    }
}
