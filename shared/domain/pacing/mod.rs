//! How fast a device may send, so that WhatsApp does not take it for a machine. The rule is in [`turn`], what it
//! remembers in [`log`].

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

mod log;
mod turn;

pub use log::SendLog;
pub use turn::Turn;

/// Limits of one device. Each can be set on its own; what is not set keeps its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Pacing {
    /// The shortest pause between two messages, in milliseconds.
    pub min_delay_ms: u32,
    /// The longest pause between two messages, in milliseconds.
    pub max_delay_ms: u32,
    /// Messages a minute, in any 60 seconds; 0 is no limit.
    #[schema(maximum = 10000)]
    pub per_minute: u32,
    /// Messages an hour, in any 60 minutes; 0 is no limit.
    #[schema(maximum = 10000)]
    pub per_hour: u32,
    /// Messages an hour to one recipient; 0 is no limit.
    #[schema(maximum = 10000)]
    pub per_recipient_per_hour: u32,
}

/// A change of some limits; what is not given stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PacingChange {
    /// The shortest pause between two messages, in milliseconds.
    pub min_delay_ms: Option<u32>,
    /// The longest pause between two messages, in milliseconds.
    pub max_delay_ms: Option<u32>,
    /// Messages a minute, in any 60 seconds; 0 is no limit.
    #[schema(maximum = 10000)]
    pub per_minute: Option<u32>,
    /// Messages an hour, in any 60 minutes; 0 is no limit.
    #[schema(maximum = 10000)]
    pub per_hour: Option<u32>,
    /// Messages an hour to one recipient; 0 is no limit.
    #[schema(maximum = 10000)]
    pub per_recipient_per_hour: Option<u32>,
}

/// A day: no pause is longer.
pub const MAX_DELAY_MS: u32 = 86_400_000;

/// No limit is higher: what was sent has to be remembered for it.
pub const MAX_LIMIT: u32 = 10_000;

/// Which of a device's limits lets its next message wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Limit {
    /// The pause between two messages.
    Delay,
    /// Messages a minute.
    PerMinute,
    /// Messages an hour.
    PerHour,
    /// Messages an hour to one recipient.
    PerRecipient,
    /// WhatsApp asked to slow down.
    RateLimited,
}

impl Default for Pacing {
    fn default() -> Self {
        Self {
            min_delay_ms: 3_000,
            max_delay_ms: 7_000,
            per_minute: 20,
            per_hour: 500,
            per_recipient_per_hour: 10,
        }
    }
}

impl Pacing {
    /// The same with a change.
    #[must_use]
    pub fn with(self, change: &PacingChange) -> Self {
        Self {
            min_delay_ms: change.min_delay_ms.unwrap_or(self.min_delay_ms),
            max_delay_ms: change.max_delay_ms.unwrap_or(self.max_delay_ms),
            per_minute: change.per_minute.unwrap_or(self.per_minute),
            per_hour: change.per_hour.unwrap_or(self.per_hour),
            per_recipient_per_hour: change.per_recipient_per_hour.unwrap_or(self.per_recipient_per_hour),
        }
    }

    /// The pause to keep behind a message, drawn evenly by `random` (0 to 1) between shortest and longest.
    pub fn delay(&self, random: f64) -> Duration {
        let (min, max) = (f64::from(self.min_delay_ms), f64::from(self.max_delay_ms.max(self.min_delay_ms)));
        Duration::from_secs_f64((min + (max - min) * random.clamp(0.0, 1.0)) / 1000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::jid::Jid;
    use proptest::prelude::*;

    /// No limits and no pauses.
    pub(super) fn unlimited() -> Pacing {
        Pacing { min_delay_ms: 0, max_delay_ms: 0, per_minute: 0, per_hour: 0, per_recipient_per_hour: 0 }
    }

    /// One of some recipients.
    pub(super) fn jid(n: u8) -> Jid {
        format!("+628123456{:04}", 1000 + u16::from(n)).parse().unwrap()
    }

    proptest! {
        #[test]
        fn a_delay_lies_between_shortest_and_longest(min in 0u32..100_000, more in 0u32..100_000, random in 0.0f64..1.0) {
            let pacing = Pacing { min_delay_ms: min, max_delay_ms: min + more, ..Pacing::default() };
            let delay = pacing.delay(random);
            prop_assert!(delay >= Duration::from_millis(u64::from(min)) && delay <= Duration::from_millis(u64::from(min + more)));
        }
    }
}
