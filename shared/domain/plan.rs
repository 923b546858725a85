//! Plans: rows of limits.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use time::{Date, Month, OffsetDateTime, Time};
use utoipa::ToSchema;

use super::retention::Retention;
use crate::clock::Timestamp;

const BUILT_IN: &str = include_str!("plans.toml");

/// The plan of who registers without being given one.
pub const DEFAULT: &str = "basic";

/// The limits of one plan. What is `None`, or has no rate, is not limited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// How many devices.
    pub devices: Option<u32>,
    /// How many auto-replies.
    pub auto_replies: Option<u32>,
    /// How many schedules.
    pub schedules: Option<u32>,
    /// How long audit entries are kept, in days.
    pub audit_days: u32,
    /// How long events are kept, in days.
    #[serde(default = "week")]
    pub event_days: u32,
    /// How long messages and chats are kept, in days; for ever when there is no number.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub retention_days: Option<u32>,
    /// How much of what in which time.
    #[serde(default)]
    pub rates: BTreeMap<Meter, Vec<Rate>>,
}

fn week() -> u32 {
    7
}

impl Plan {
    /// How long messages and chats are kept.
    pub fn retention(&self) -> Retention {
        Retention { days: self.retention_days }
    }

    /// All rates, one by one.
    pub fn all_rates(&self) -> Vec<(Meter, Rate)> {
        self.rates.iter().flat_map(|(meter, rates)| rates.iter().map(|rate| (*meter, *rate))).collect()
    }
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum Meter {
    /// Requests with credentials.
    ApiCalls,
    /// Messages accepted for sending.
    Messages,
    /// Bulk jobs and broadcasts.
    Broadcasts,
    /// QR codes asked for.
    Qr,
    /// Requests of the dashboard.
    Dashboard,
    /// Tries to deliver an event to a webhook.
    Deliveries,
}

/// So much in a span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// How many.
    pub limit: u32,
    /// In which span.
    pub per: Span,
}

/// A span of time, as the clock and the calendar (UTC) divide it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
pub enum Span {
    /// A quarter of an hour.
    #[serde(rename = "15min")]
    QuarterHour,
    /// An hour.
    #[serde(rename = "hour")]
    Hour,
    /// A day.
    #[serde(rename = "day")]
    Day,
    /// A calendar month.
    #[serde(rename = "month")]
    Month,
}

impl Meter {
    /// The API's word.
    pub fn name(self) -> &'static str {
        match self {
            Self::ApiCalls => "apiCalls",
            Self::Messages => "messages",
            Self::Broadcasts => "broadcasts",
            Self::Qr => "qr",
            Self::Dashboard => "dashboard",
            Self::Deliveries => "deliveries",
        }
    }
}

impl Meter {
    /// For a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::ApiCalls => "API calls",
            Self::Messages => "messages",
            Self::Broadcasts => "broadcasts",
            Self::Qr => "QR codes",
            Self::Dashboard => "dashboard requests",
            Self::Deliveries => "deliveries to webhooks",
        }
    }
}

impl Span {
    /// For a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Self::QuarterHour => "quarter of an hour",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// The API's word, for names like `messagesPerHour`.
    pub fn name(self) -> &'static str {
        match self {
            Self::QuarterHour => "QuarterHour",
            Self::Hour => "Hour",
            Self::Day => "Day",
            Self::Month => "Month",
        }
    }

    fn seconds(self) -> Option<i64> {
        match self {
            Self::QuarterHour => Some(900),
            Self::Hour => Some(3600),
            Self::Day => Some(86_400),
            Self::Month => None,
        }
    }

    /// The number of the span that a moment lies in.
    pub fn index(self, at: Timestamp) -> i64 {
        match self.seconds() {
            Some(seconds) => at.unix_seconds().div_euclid(seconds),
            None => {
                let (year, month) = calendar(at);
                i64::from(year) * 12 + i64::from(u8::from(month)) - 1
            }
        }
    }

    /// When the span that a moment lies in is over.
    pub fn end(self, at: Timestamp) -> Timestamp {
        let seconds = match self.seconds() {
            Some(seconds) => (self.index(at) + 1) * seconds,
            None => {
                let (year, month) = calendar(at);
                let year = if month == Month::December { year + 1 } else { year };
                let next = Date::from_calendar_date(year, month.next(), 1).unwrap_or(Date::MAX);
                OffsetDateTime::new_utc(next, Time::MIDNIGHT).unix_timestamp()
            }
        };
        Timestamp::from_unix_millis(seconds * 1000)
    }

    /// How long the span that a moment lies in is.
    pub fn length(self, at: Timestamp) -> Duration {
        match self.seconds() {
            Some(seconds) => Duration::from_secs(seconds.unsigned_abs()),
            None => {
                let (year, month) = calendar(at);
                Duration::from_secs(u64::from(month.length(year)) * 86_400)
            }
        }
    }
}

fn calendar(at: Timestamp) -> (i32, Month) {
    let at = OffsetDateTime::from_unix_timestamp(at.unix_seconds()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    (at.year(), at.month())
}

/// Every plan of a deployment, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plans(BTreeMap<String, Plan>);

/// The plans file is not valid.
#[derive(Debug, thiserror::Error)]
pub enum PlansError {
    /// Not TOML, or not plans.
    #[error("the plans file is not valid: {0}")]
    Form(#[from] toml::de::Error),
    /// Which of the two would count?
    #[error("the plan `{0}` limits the same thing in the same span twice")]
    Twice(String),
    /// Nothing could be kept.
    #[error("the plan `{0}` has `retentionDays = 0`: at least a day, or no number to keep everything")]
    NoRetention(String),
    /// Newcomers would have none.
    #[error("the plans file has no plan `{DEFAULT}`, which newcomers get")]
    NoDefault,
}

impl Plans {
    /// Reads a plans file.
    pub fn parse(text: &str) -> Result<Self, PlansError> {
        let plans: BTreeMap<String, Plan> = toml::from_str(text)?;
        for (name, plan) in &plans {
            let mut seen: Vec<(Meter, Span)> =
                plan.all_rates().iter().map(|(meter, rate)| (*meter, rate.per)).collect();
            seen.sort_unstable();
            if plan.retention_days == Some(0) {
                return Err(PlansError::NoRetention(name.clone()));
            }
            if seen.windows(2).any(|pair| pair[0] == pair[1]) {
                return Err(PlansError::Twice(name.clone()));
            }
        }
        if plans.contains_key(DEFAULT) { Ok(Self(plans)) } else { Err(PlansError::NoDefault) }
    }

    /// The plans that Kurir ships with.
    pub fn built_in() -> Self {
        Self::parse(BUILT_IN).expect("the built-in plans are checked by a test")
    }

    /// The plan of this name; the default one when the file no longer has it.
    pub fn get(&self, name: &str) -> &Plan {
        self.find(name).or_else(|| self.find(DEFAULT)).expect("checked when the file was read")
    }

    /// The plan of this name.
    pub fn find(&self, name: &str) -> Option<&Plan> {
        self.0.get(name)
    }

    /// All plans by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Plan)> {
        self.0.iter().map(|(name, plan)| (name.as_str(), plan))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_plans_of_the_older_gateways_ship_as_defaults() {
        let plans = Plans::built_in();
        for name in ["basic", "pro", "max", "premium", "enterprise"] {
            assert!(plans.find(name).is_some(), "{name}");
        }
        assert_eq!(plans.get("max").devices, Some(20));
        assert_eq!(plans.get("enterprise").devices, None);
        assert_eq!(plans.get("no longer there"), plans.get(DEFAULT));
    }

    #[test]
    fn limits_by_endpoint_and_quarter_hour_can_be_expressed() {
        let plans = Plans::parse(
            "[basic]\nauditDays = 30\n[basic.rates]\n\
             messages = [{ limit = 50, per = \"15min\" }]\nbroadcasts = [{ limit = 10, per = \"hour\" }]\n\
             dashboard = [{ limit = 100, per = \"15min\" }]\nqr = [{ limit = 20, per = \"15min\" }]\n\
             apiCalls = [{ limit = 100, per = \"hour\" }]\n",
        );
        let rates = &plans.unwrap().get(DEFAULT).rates.clone();
        assert_eq!(rates[&Meter::Messages], [Rate { limit: 50, per: Span::QuarterHour }]);
        assert_eq!(rates.len(), 5);
        assert!(Plans::parse("[pro]\nauditDays = 1").is_err());
        assert!(Plans::parse("[basic]\nauditDays = 1\ndevises = 3").is_err());
        assert!(Plans::parse("[basic]\nauditDays = 1\nretentionDays = 0").is_err());
        assert_eq!(Plans::built_in().get("basic").retention().days, Some(90));
        let twice =
            "[basic]\nauditDays = 1\nrates.qr = [{ limit = 1, per = \"day\" }, { limit = 2, per = \"day\" }]";
        assert!(matches!(Plans::parse(twice), Err(PlansError::Twice(_))));
    }

    proptest! {
        #[test]
        fn a_moment_lies_in_one_span_that_ends_after_it(seconds in 0i64..4_000_000_000) {
            let at = Timestamp::from_unix_millis(seconds * 1000);
            for span in [Span::QuarterHour, Span::Hour, Span::Day, Span::Month] {
                let end = span.end(at);
                prop_assert!(end > at && end.since(at) <= span.length(at));
                prop_assert_eq!(span.index(end), span.index(at) + 1);
                let last = Timestamp::from_unix_millis(end.unix_millis() - 1);
                prop_assert_eq!(span.index(last), span.index(at));
            }
        }
    }
}
