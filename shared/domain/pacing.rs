//! How fast a device may send, so that WhatsApp does not take it for a machine.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Limits of one device. Each can be set on its own; what is not set keeps its default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Pacing {
    /// The shortest pause between two messages, in milliseconds.
    pub min_delay_ms: u32,
    /// The longest pause between two messages, in milliseconds.
    pub max_delay_ms: u32,
    /// Messages a minute.
    pub per_minute: u32,
    /// Messages an hour.
    pub per_hour: u32,
    /// Messages an hour to one recipient.
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
    /// Messages a minute.
    pub per_minute: Option<u32>,
    /// Messages an hour.
    pub per_hour: Option<u32>,
    /// Messages an hour to one recipient.
    pub per_recipient_per_hour: Option<u32>,
}

/// A day: no pause is longer.
pub const MAX_DELAY_MS: u32 = 86_400_000;

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
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_delay_lies_between_shortest_and_longest(min in 0u32..100_000, more in 0u32..100_000, random in 0.0f64..1.0) {
            let pacing = Pacing { min_delay_ms: min, max_delay_ms: min + more, ..Pacing::default() };
            let delay = pacing.delay(random);
            prop_assert!(delay >= Duration::from_millis(u64::from(min)) && delay <= Duration::from_millis(u64::from(min + more)));
        }
    }
}
