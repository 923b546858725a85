//! How the services misbehave, and the dice that decide when.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};

/// How the services misbehave. By default they do not.
#[derive(Debug, Clone, Default)]
pub struct Misbehaviour {
    /// Which share of DynamoDB's answers is a failure, from 0 to 1: half are throttled, the others are errors
    /// 500, of which half come after the request was done.
    pub dynamodb_fails: f64,
    /// DynamoDB refuses requests like this.
    pub dynamodb_refuses: Option<Refused>,
    /// SQS cannot be reached: requests get 503 or no answer, long polls break off.
    pub sqs_away: bool,
    /// Every message of a send queue comes twice, the second time up to two seconds later and without regard
    /// to its group, as after a visibility timeout.
    pub sends_arrive_twice: bool,
}

/// Which requests are refused, and how.
#[derive(Debug, Clone)]
pub struct Refused {
    /// How.
    pub how: Refusal,
    /// Only this operation, and only with this text in its body.
    pub only: Option<(&'static str, &'static str)>,
}

impl Refused {
    /// Every request.
    pub fn all(how: Refusal) -> Self {
        Self { how, only: None }
    }

    pub(super) fn hits(&self, operation: &str, body: &[u8]) -> bool {
        let Some((only, text)) = self.only else { return true };
        only == operation && body.windows(text.len()).any(|part| part == text.as_bytes())
    }
}

/// What DynamoDB says when it refuses, or what stands between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// A session of credentials that is over.
    ExpiredToken,
    /// A role that lacks a permission.
    AccessDenied,
    /// A table that is not there.
    NoTable,
    /// Credentials that nobody knows.
    BadCredentials,
    /// Too many requests of an account.
    Throttling,
    /// Too many requests of a table.
    Throughput,
    /// A bad moment.
    Internal,
    /// A page of a proxy in between.
    Page,
    /// The connection breaks.
    Reset,
    /// A row that is too large.
    TooLarge,
}

/// How a request to DynamoDB fails.
pub(super) enum Failure {
    Throttled,
    Refused,
    DoneAndForgotten,
}

/// Chance, from a seed.
pub(super) struct Dice {
    rng: Mutex<StdRng>,
    units: AtomicBool,
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self { rng: Mutex::new(StdRng::seed_from_u64(seed)), units: AtomicBool::new(false) }
    }

    pub(super) fn dynamodb_fails(&self, how: &Misbehaviour) -> Option<Failure> {
        // No dice are thrown when nothing depends on them.
        if how.dynamodb_fails <= 0.0 || self.roll() >= how.dynamodb_fails {
            return None;
        }
        Some(match self.roll() {
            ..0.5 => Failure::Throttled,
            0.5..0.75 => Failure::Refused,
            _ => Failure::DoneAndForgotten,
        })
    }

    pub(super) fn flip(&self) -> bool {
        self.roll() < 0.5
    }

    /// When a second delivery comes.
    pub(super) fn pause(&self) -> Duration {
        Duration::from_secs_f64(2.0 * self.roll())
    }

    pub(super) fn count_units(&self, wanted: bool) {
        self.units.store(wanted, Ordering::Relaxed);
    }

    pub(super) fn counts_units(&self) -> bool {
        self.units.load(Ordering::Relaxed)
    }

    fn roll(&self) -> f64 {
        self.rng.lock().unwrap_or_else(PoisonError::into_inner).random_range(0.0..1.0)
    }
}
