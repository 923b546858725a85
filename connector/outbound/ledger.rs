//! What a lane remembers beyond this process: how much it sent, and when, as far as pacing needs it.
//!
//! A device with limits deletes its queue entries only when its ledger is stored. So a send that is missing
//! there comes again as an entry, and whoever serves the device next finds in the message's row when it was
//! sent.

use std::time::Duration;

use shared::{
    clock::Timestamp,
    domain::{
        device::Link,
        jid::Jid,
        lane::Lane,
        pacing::{Limit, Pacing, Turn},
    },
    services::Error,
    store::lanes::{self, Written},
};
use tokio::time::Instant;

use super::Entry;
use crate::{ownership::Assignment, retry::patiently, worker::Worker};

/// How long a change may stay in memory only, when no limit depends on it: so far `GET …/queue` lags behind.
const STORED_WITHIN: Duration = Duration::from_secs(10);

/// How long it waits after it could not be stored.
const RETRY_PAUSE: Duration = Duration::from_secs(5);

/// How long entries may wait for the ledger.
const MAX_ENTRY_WAIT: Duration = Duration::from_secs(15);

/// How many entries may.
const MAX_ENTRIES: usize = 10;

/// The ledger of one lane.
pub(super) struct Ledger {
    /// Whose it is: each of a device's numbers has its own.
    link: Link,
    lane: Lane,
    /// The pause behind the latest send; drawn when it is first asked for.
    delay: Option<Duration>,
    /// Until then nothing goes, whatever the limits say: as a former holder left it, or as WhatsApp wants it.
    hold: Option<Turn>,
    /// What was done since it was stored, with nothing more to do than to delete it.
    entries: Vec<Entry>,
    changed_at: Option<Instant>,
    /// A change that is to be stored now.
    urgent: bool,
}

impl Ledger {
    /// As it was stored last.
    pub async fn load(worker: &Worker, link: Link) -> Result<Self, Error> {
        let lane = lanes::get(&worker.ctx.db, link).await?;
        let hold = match (lane.next_send_at, lane.waiting_for) {
            (Some(at), limit @ Some(Limit::Delay | Limit::RateLimited)) => Some(Turn { at, limit }),
            _ => None,
        };
        Ok(Self { link, lane, delay: None, hold, entries: Vec::new(), changed_at: None, urgent: false })
    }

    /// The number that it is of.
    pub fn generation(&self) -> u32 {
        self.link.generation
    }

    /// When a message may go.
    pub fn turn(&mut self, pacing: &Pacing, to: &Jid, now: Timestamp) -> Turn {
        let delay = *self.delay.get_or_insert_with(|| pacing.delay(rand::random()));
        let turn = pacing.turn(&self.lane.log, delay, to, now);
        match self.hold {
            // An owner who does away with the pause need not wait for the last one.
            Some(hold) if hold.limit == Some(Limit::Delay) && pacing.max_delay_ms == 0 => turn,
            Some(hold) if hold.at > turn.at => hold,
            _ => turn,
        }
    }

    /// A message has to wait; `GET …/queue` shows until when.
    pub fn waits(&mut self, turn: Turn, now: Timestamp) {
        const WORTH_TELLING: Duration = Duration::from_secs(10);
        let held = self.hold.is_some_and(|hold| hold.at > now && hold.at > turn.at);
        if turn.limit.is_some() && !held && self.lane.next_send_at != Some(turn.at) {
            self.lane.next_send_at = Some(turn.at);
            self.lane.waiting_for = turn.limit;
            self.urgent |= turn.at.since(now) >= WORTH_TELLING;
            self.change();
        }
    }

    /// WhatsApp took a message, or may have.
    pub fn sent(&mut self, to: &Jid, at: Timestamp, pacing: &Pacing) {
        self.lane.sent += 1;
        self.went(to, at, pacing);
    }

    /// A message went out as far as pacing is concerned.
    pub fn went(&mut self, to: &Jid, at: Timestamp, pacing: &Pacing) {
        if pacing.is_limited() {
            self.lane.log.record(at, to, pacing);
        }
        let delay = pacing.delay(rand::random());
        self.delay = Some(delay);
        self.hold = None;
        let paused = !delay.is_zero();
        self.lane.next_send_at = paused.then(|| at + delay);
        self.lane.waiting_for = paused.then_some(Limit::Delay);
        self.change();
    }

    /// WhatsApp wants nothing of this device until then.
    pub fn slow_down(&mut self, until: Timestamp) {
        self.hold = Some(Turn { at: until, limit: Some(Limit::RateLimited) });
        self.lane.next_send_at = Some(until);
        self.lane.waiting_for = Some(Limit::RateLimited);
        self.urgent = true;
        self.change();
    }

    /// A message failed for good.
    pub fn failed(&mut self) {
        self.lane.failed += 1;
        self.change();
    }

    /// A message is done.
    pub fn done(&mut self, entry: Option<Entry>, pacing: &Pacing) {
        let Some(entry) = entry else { return };
        if pacing.is_limited() { self.entries.push(entry) } else { entry.delete() }
    }

    /// When it should be stored, if nothing happens before. `idle`: the lane has nothing else in hand.
    pub fn due(&self, idle: bool) -> Option<Instant> {
        let changed_at = self.changed_at?;
        let wait = match self.entries.len() {
            _ if self.urgent => Duration::ZERO,
            0 => STORED_WITHIN,
            n if n >= MAX_ENTRIES || idle => Duration::ZERO,
            _ => MAX_ENTRY_WAIT,
        };
        Some(changed_at + wait)
    }

    /// Stores it, and deletes the entries that waited for that. `false` when a later holder of the device
    /// has stored its own.
    pub async fn store(&mut self, worker: &Worker, assignment: &Assignment) -> Result<bool, Error> {
        if self.changed_at.is_some() {
            let (db, epoch) = (&worker.ctx.db, assignment.lease.epoch());
            let put = || async { Ok(lanes::put(db, self.link, &self.lane, epoch).await?) };
            match patiently(put).await {
                Ok(Written::Done) => {}
                Ok(Written::Stale) => {
                    self.changed_at = None;
                    return Ok(false);
                }
                Err(error) => {
                    // Not at once again, however urgent.
                    self.changed_at = Some(Instant::now() + RETRY_PAUSE);
                    return Err(error);
                }
            }
        }
        self.changed_at = None;
        self.urgent = false;
        self.entries.drain(..).for_each(Entry::delete);
        Ok(true)
    }

    /// Whether something of it is not stored yet.
    pub fn is_changed(&self) -> bool {
        self.changed_at.is_some() || !self.entries.is_empty()
    }

    /// There is nothing to remember any more.
    pub fn forget(&mut self) {
        self.entries.drain(..).for_each(Entry::delete);
        self.changed_at = None;
    }

    fn change(&mut self) {
        self.changed_at.get_or_insert_with(Instant::now);
    }
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
