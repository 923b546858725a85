//! Taking up what waits in the outbox without a queue entry.

use shared::{
    domain::message::Priority,
    services::{Error, messages},
    store::{devices, outbox},
};

use super::{CatchUpRequest, Lane, Over, SendRules, patiently_until};
use crate::outbound::{Entry, Job};

/// How much of the outbox a lane takes in at a time.
const PAGE_SIZE: u16 = 50;

/// A look into the outbox that is under way.
#[derive(Default)]
pub(super) struct CatchUp {
    /// The entries that asked for it.
    pub entries: Vec<Entry>,
    /// Whether something was accepted and not queued.
    gap: bool,
    /// Whether what waits for other numbers has been seen to.
    settled: bool,
}

impl CatchUp {
    /// Takes in another wish for it.
    pub fn ask(&mut self, request: CatchUpRequest) {
        self.entries.extend(request.entry);
        self.gap |= request.gap;
        self.settled = false;
    }
}

impl Lane {
    /// Sees to what waits for other numbers than the device has, once for each wish for a look.
    async fn settle_others(&mut self) -> Result<(), Over> {
        let Some(catch_up) = self.catch_up.as_mut().filter(|catch_up| !catch_up.settled) else {
            return Ok(());
        };
        catch_up.settled = true;
        let rules = self.channels.policy.borrow().rules().cloned();
        let Some(SendRules { others, on_relink, .. }) = rules else { return Ok(()) };
        let (ctx, assignment) = (&self.worker.ctx, &self.assignment);
        for other in others {
            let settle = async || {
                messages::settle_left(ctx, assignment.link(other), assignment.shard, on_relink).await
            };
            let what = "what waits for another number cannot be settled yet";
            let count = patiently_until(&self.stop, what, settle).await?;
            if count > 0 {
                tracing::info!(device = %assignment.device, count, "messages for another number failed");
            }
        }
        Ok(())
    }

    /// Takes in what waits in the outbox, in its order. Each time from the beginning: a row may come into being
    /// later than one with a later time, and must not be passed over.
    pub(super) async fn look_into_outbox(&mut self) -> Result<(), Over> {
        let now = self.worker.ctx.now();
        self.settle_others().await?;
        let (db, shard, device) = (&self.worker.ctx.db, self.assignment.shard, self.assignment.device);
        let link = self.assignment.link(self.ledger.generation());
        for priority in [Priority::Normal, Priority::Bulk] {
            let mut after: Option<outbox::Waiting> = None;
            loop {
                let after_that = after.as_ref();
                let look = || async move {
                    Ok(outbox::of_link(db, shard, link, priority, after_that, PAGE_SIZE).await?)
                };
                let found = patiently_until(&self.stop, "the outbox cannot be read yet", look).await?;
                found.iter().for_each(|waiting| self.backlog.add(Job::waiting(waiting)));
                if self.backlog.has_from_outbox() {
                    return Ok(());
                }
                // All of them are known already: sent a moment ago, or set aside.
                match found.last() {
                    Some(last) if found.len() == usize::from(PAGE_SIZE) => after = Some(*last),
                    _ => break,
                }
            }
        }
        let Some(catch_up) = self.catch_up.take() else { return Ok(()) };
        catch_up.entries.into_iter().for_each(Entry::delete);
        if catch_up.gap
            && let Err(error) = devices::clear_gap(db, self.assignment.tenant, device, now).await
        {
            // Then the next message has the outbox looked into once more.
            self.log("the gap could not be cleared", &Error::from(error));
        }
        Ok(())
    }
}
