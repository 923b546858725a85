//! A lane that cannot send for some time: its device is offline, paused, or over a limit.
//!
//! Queue entries in hand cost requests, and a shard holds only so many: the lanes that cannot send must not keep
//! those from sending that can. So after a while such a lane deletes its entries. The outbox still has the
//! messages, and the lane reads it when it can send again.

use std::time::Duration;

use tokio::time::Instant;

use super::Lane;
use crate::outbound::{Entry, Job};

/// How long a message waits with its queue entry in hand.
const STALL_AFTER: Duration = Duration::from_secs(30);

/// How many messages a stalled lane keeps in mind; the outbox tells of the others.
const MAX_KEPT: usize = 100;

impl Lane {
    /// Stalls the lane when its first message has waited too long; says when it will have.
    pub(super) fn stall_when_due(&mut self) -> Option<Instant> {
        let due = *self.waiting_since.get_or_insert_with(Instant::now) + STALL_AFTER;
        if !self.stalled && due <= Instant::now() {
            self.stalled = true;
            self.backlog.delete_entries();
            self.catch_up.iter_mut().for_each(|catch_up| catch_up.entries.drain(..).for_each(Entry::delete));
        }
        (!self.stalled).then_some(due)
    }

    /// What comes meanwhile.
    pub(super) fn take_in_stalled(&mut self, mut job: Job) {
        job.entry.take().into_iter().for_each(Entry::delete);
        if self.backlog.len() < MAX_KEPT {
            self.backlog.add(job);
        } else {
            self.catch_up.get_or_insert_default();
        }
    }
}
