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
    /// How far each priority was looked through.
    normal: Option<outbox::Waiting>,
    bulk: Option<outbox::Waiting>,
}

impl CatchUp {
    /// Takes in another wish for it.
    pub fn ask(&mut self, ask: Ask) {
        if ask.gap || ask.entry.is_some() {
            self.start_over();
        }
        self.entries.extend(ask.entry);
        self.gap |= ask.gap;
    }

    /// What was looked through already may hold something new.
    pub fn start_over(&mut self) {
        self.normal = None;
        self.bulk = None;
    }
}

impl Lane {
    /// Takes in what waits in the outbox, in its order.
    pub(super) async fn look_into_outbox(&mut self) -> Result<(), Over> {
        let Some(catch_up) = &self.catch_up else { return Ok(()) };
        let (normal, bulk, now) = (catch_up.normal, catch_up.bulk, self.worker.ctx.now());
        let (db, shard, device) = (&self.worker.ctx.db, self.place.shard, self.place.device);
        let look = || async {
            let (normal, bulk) = (normal.as_ref(), bulk.as_ref());
            let found = outbox::of_device(db, shard, device, Priority::Normal, normal, AT_A_TIME).await?;
            if !found.is_empty() {
                return Ok(found);
            }
            Ok(outbox::of_device(db, shard, device, Priority::Bulk, bulk, AT_A_TIME).await?)
        };
        let found = patiently_until(&self.stop, "the outbox cannot be read yet", look).await?;
        let Some(catch_up) = &mut self.catch_up else { return Ok(()) };
        if let Some(last) = found.last() {
            match last.priority {
                Priority::Normal => catch_up.normal = Some(*last),
                Priority::Bulk => catch_up.bulk = Some(*last),
            }
            found.iter().for_each(|waiting| self.backlog.add(Job::waiting(waiting)));
            return Ok(());
        }
        catch_up.entries.drain(..).for_each(Entry::delete);
        let gap = catch_up.gap;
        self.catch_up = None;
        if gap && let Err(error) = devices::clear_gap(db, self.place.tenant, device, now).await {
            // Then the next message has the outbox looked into once more.
            self.log("the gap could not be cleared", &Error::from(error));
        }
        Ok(())
    }
}
