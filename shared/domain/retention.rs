//! How long what a tenant has is kept.

use std::time::Duration;

use crate::clock::Timestamp;

/// For how many days messages and chats are kept; for ever, when there is no number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// Days, at least one.
    pub days: Option<u32>,
}

const DAY: Duration = Duration::from_secs(86_400);

impl Retention {
    /// Until when something is kept that happened then.
    pub fn until(self, at: Timestamp) -> Option<Timestamp> {
        self.days.map(|days| at + DAY * days.max(1))
    }

    /// Until when a message is kept that was accepted then, and that may be sent until `expires_at`: it is there
    /// for a day after that.
    pub fn until_sent(self, at: Timestamp, expires_at: Option<Timestamp>) -> Option<Timestamp> {
        let until = self.until(at)?;
        Some(expires_at.map_or(until, |expiry| until.max(expiry + DAY)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_outlives_its_time_in_the_queue() {
        let at = |day: i64| Timestamp::from_unix_millis(day * 86_400_000);
        let week = Retention { days: Some(7) };
        assert_eq!(week.until(at(1)), Some(at(8)));
        assert_eq!(week.until_sent(at(1), Some(at(2))), Some(at(8)));
        assert_eq!(week.until_sent(at(1), Some(at(30))), Some(at(31)));
        assert_eq!(Retention::default().until_sent(at(1), Some(at(30))), None);
        assert_eq!(Retention { days: Some(0) }.until(at(1)), Some(at(2)));
    }
}
