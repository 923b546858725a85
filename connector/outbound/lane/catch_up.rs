//! Taking up what waits in the outbox without a queue entry.

use shared::{
    domain::message::Priority,
    services::Error,
    store::{devices, outbox},
};

use super::{Ask, Lane, Over, patiently_until};
use crate::outbound::{Entry, Job};

/// How much of the outbox a lane takes in at a time.
const AT_A_TIME: u16 = 50;

/// A look into the outbox that is under way.
#[derive(Default)]
pub(super) struct CatchUp {
    /// The entries that asked for it.
    pub entries: Vec<Entry>,
    /// Whether something was accepted and not queued.
    gap: bool,
}

impl CatchUp {
    /// Takes in another wish for it.
    pub fn ask(&mut self, ask: Ask) {
        self.entries.extend(ask.entry);
        self.gap |= ask.gap;
    }
}

impl Lane {
    /// Takes in what waits in the outbox, in its order. Each time from the beginning: a row may come into being
    /// later than one with a later time, and must not be passed over.
    pub(super) async fn look_into_outbox(&mut self) -> Result<(), Over> {
        let now = self.worker.ctx.now();
        let (db, shard, device) = (&self.worker.ctx.db, self.place.shard, self.place.device);
        for priority in [Priority::Normal, Priority::Bulk] {
            let mut after: Option<outbox::Waiting> = None;
            loop {
                let after_that = after.as_ref();
                let look = || async move {
                    Ok(outbox::of_device(db, shard, device, priority, after_that, AT_A_TIME).await?)
                };
                let found = patiently_until(&self.stop, "the outbox cannot be read yet", look).await?;
                found.iter().for_each(|waiting| self.backlog.add(Job::waiting(waiting)));
                if self.backlog.has_from_outbox() {
                    return Ok(());
                }
                // All of them are known already: sent a moment ago, or set aside.
                match found.last() {
                    Some(last) if found.len() == usize::from(AT_A_TIME) => after = Some(*last),
                    _ => break,
                }
            }
        }
        let Some(catch_up) = self.catch_up.take() else { return Ok(()) };
        catch_up.entries.into_iter().for_each(Entry::delete);
        if catch_up.gap
            && let Err(error) = devices::clear_gap(db, self.place.tenant, device, now).await
        {
            // Then the next message has the outbox looked into once more.
            self.log("the gap could not be cleared", &Error::from(error));
        }
        Ok(())
    }
}
