//! A device's lane: takes its messages one at a time, waits for connection and pace, sends, writes down
//! what came of it. A crash anywhere replays under the same WhatsApp id.

mod catch_up;
mod channels;
mod poison;
mod send_policy;
mod sending;
mod stall;
mod turn;

use catch_up::CatchUp;
pub(crate) use channels::{CatchUpRequest, Channels, LaneOrder, OpenConnection};
pub(crate) use send_policy::{SendPolicy, SendRules};
use turn::Next;

use std::{sync::atomic::Ordering, time::Duration};

use shared::{
    domain::{
        ids::MessageId,
        message::{Message, SendFailure},
        pacing::{Limit, Pacing, Turn},
    },
    services::{self, Error},
    store::messages::{self, Advanced, Step},
};
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{Entry, backlog::Backlog, ledger::Ledger};
use crate::{ownership::Assignment, retry::Backoff, worker::Worker};

/// How long a stop waits for the server's ack of what is on its way.
const ACK_GRACE: Duration = Duration::from_secs(2);

/// How long it waits for what became of messages to be written down.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

struct Lane {
    worker: Worker,
    assignment: Assignment,
    channels: Channels,
    stop: CancellationToken,
    backlog: Backlog,
    ledger: Ledger,
    /// The outbox is to be looked into; with the entries that said so.
    catch_up: Option<CatchUp>,
    /// After a failure, nothing goes before that.
    not_before: Option<Instant>,
    backoff: Backoff,
    /// How often in a row WhatsApp asked to slow down.
    slowdowns: u32,
    /// The number of the owner's rules that were followed last.
    rules: u32,
    /// Since when the first message has waited.
    waiting_since: Option<Instant>,
    /// It cannot send for some time, and holds no queue entries meanwhile.
    stalled: bool,
}

/// The lane has come to its end: the device is gone or served elsewhere.
struct Over;

/// Runs a device's lane until `stop` or until nobody hands in messages any more.
pub(crate) async fn run(
    worker: Worker,
    assignment: Assignment,
    mut channels: Channels,
    stop: CancellationToken,
) {
    // Most devices have nothing to send for most of the time.
    let first = tokio::select! {
        biased;
        () = stop.cancelled() => return,
        first = channels.orders.recv() => match first {
            Some(first) => first,
            None => return,
        },
    };
    let Ok(ledger) = first_ledger(&worker, &assignment, &mut channels.policy, &stop).await else {
        return give_back(first, channels.orders).await;
    };
    let mut lane = Lane {
        worker,
        assignment,
        channels,
        stop,
        backlog: Backlog::default(),
        ledger,
        catch_up: None,
        not_before: None,
        backoff: Backoff::default(),
        slowdowns: 0,
        rules: 0,
        waiting_since: None,
        stalled: false,
    };
    lane.take_in(first);
    while lane.step().await.is_ok() {}
    lane.let_go().await;
}

/// The ledger of the number that the device has, once that is known.
async fn first_ledger(
    worker: &Worker,
    assignment: &Assignment,
    policy: &mut watch::Receiver<SendPolicy>,
    stop: &CancellationToken,
) -> Result<Ledger, Over> {
    let generation = tokio::select! {
        () = stop.cancelled() => return Err(Over),
        known = policy.wait_for(|policy| *policy != SendPolicy::Unknown) => {
            known.map_err(|_| Over)?.rules().map_or(0, |rules| rules.generation)
        }
    };
    let load = async || Ledger::load(worker, assignment.link(generation)).await;
    patiently_until(stop, "the lane cannot be read yet", load).await
}

impl Lane {
    /// Does the next thing there is to do.
    async fn step(&mut self) -> Result<(), Over> {
        self.channels
            .in_hand
            .store(self.backlog.len() + usize::from(self.catch_up.is_some()), Ordering::Release);
        if self.stop.is_cancelled() || !self.assignment.lease.holds() {
            return Err(Over);
        }
        while let Ok(order) = self.channels.orders.try_recv() {
            self.take_in(order);
        }
        if *self.channels.policy.borrow() == SendPolicy::Gone {
            self.backlog.drain().filter_map(|job| job.entry).for_each(Entry::delete);
            self.catch_up = None;
            self.ledger.forget();
            return self.idle().await;
        }
        self.change_number().await?;
        self.store_when_due().await?;
        self.put_back();
        if self.catch_up.is_some() && !self.backlog.has_from_outbox() {
            return self.look_into_outbox().await;
        }
        if self.backlog.first().is_none() {
            return self.idle().await;
        }
        let Some(details) = self.details().await? else { return Ok(()) };
        match self.wait(&details).await? {
            Next::Go(connection) => self.send_first(&*connection, &details).await,
            Next::Expired if !self.is_expired().await? => Ok(()),
            Next::Expired => {
                let failure = SendFailure::new("expired", "the message could not be sent before it expired");
                self.finish_failed(failure).await;
                Ok(())
            }
            Next::OtherNumber => {
                self.leave_first();
                Ok(())
            }
            Next::Again => Ok(()),
        }
    }

    /// Goes on with the counts of another number, when the device has been linked to one.
    async fn change_number(&mut self) -> Result<(), Over> {
        let generation = self.channels.policy.borrow().rules().map(|rules| rules.generation);
        let Some(generation) = generation.filter(|now| *now != self.ledger.generation()) else {
            return Ok(());
        };
        let mut backoff = Backoff::default();
        while self.ledger.is_changed() {
            match self.ledger.store(&self.worker, &self.assignment).await {
                Ok(true) => {}
                Ok(false) => return Err(Over),
                Err(error) => {
                    self.log("the lane could not be stored yet", &error);
                    tokio::select! {
                        () = self.stop.cancelled() => return Err(Over),
                        () = tokio::time::sleep(backoff.next()) => {}
                    }
                }
            }
        }
        let (worker, link) = (&self.worker, self.assignment.link(generation));
        let load = async || Ledger::load(worker, link).await;
        self.ledger = patiently_until(&self.stop, "the lane cannot be read yet", load).await?;
        // What waits for the former number is to be settled, and what waits for this one to be sent.
        self.catch_up.get_or_insert_default();
        Ok(())
    }

    /// The first message is not for the number that the device has now. The outbox has it, apart from the others.
    fn leave_first(&mut self) {
        let Some(job) = self.backlog.take_first() else { return };
        self.backlog.forget(job.id);
        job.entry.into_iter().for_each(Entry::delete);
        self.catch_up.get_or_insert_default();
    }

    fn take_in(&mut self, order: LaneOrder) {
        match order {
            LaneOrder::Send(job) if self.stalled => self.take_in_stalled(*job),
            LaneOrder::Send(job) => self.backlog.add(*job),
            LaneOrder::CatchUp(mut request) => {
                if self.stalled {
                    request.entry.take().into_iter().for_each(Entry::delete);
                }
                self.catch_up.get_or_insert_default().ask(request);
            }
        }
    }

    /// Waits for something to do.
    async fn idle(&mut self) -> Result<(), Over> {
        if let Some(at) = self.backlog.next_aside() {
            let turn = Turn { at, limit: Some(Limit::PerRecipient) };
            self.ledger.waits(turn, self.worker.ctx.now());
        }
        let (due, aside) = (self.ledger.due(true), self.next_aside());
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Over),
            order = self.channels.orders.recv() => match order {
                Some(order) => { self.take_in(order); Ok(()) }
                None => Err(Over),
            },
            changed = self.channels.policy.changed() => changed.map_err(|_| Over),
            () = sleep_until(due) => Ok(()),
            () = sleep_until(aside) => Ok(()),
        }
    }

    /// Puts back what was set aside until now; all of it when the owner has changed the rules.
    fn put_back(&mut self) {
        let rules = match &*self.channels.policy.borrow() {
            SendPolicy::Open(rules) => rules.number,
            _ => self.rules,
        };
        let changed = std::mem::replace(&mut self.rules, rules) != rules;
        self.backlog.put_back((!changed).then(|| self.worker.ctx.now()));
    }

    /// When something that is set aside is to be put back.
    fn next_aside(&self) -> Option<Instant> {
        let at = self.backlog.next_aside()?;
        Instant::now().checked_add(at.since(self.worker.ctx.now()) + Duration::from_millis(1))
    }

    async fn store_when_due(&mut self) -> Result<(), Over> {
        let idle = self.backlog.first().is_none();
        if self.ledger.due(idle).is_none_or(|due| due > Instant::now()) {
            return Ok(());
        }
        match self.ledger.store(&self.worker, &self.assignment).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                tracing::error!(device = %self.assignment.device, "a later holder serves this device already");
                Err(Over)
            }
            Err(error) => {
                self.log("the lane could not be stored yet", &error);
                Ok(())
            }
        }
    }

    /// The first message is done already. If a former holder of the device sent it, pacing has to know, and it
    /// may have died before it told of it.
    async fn pass_over(&mut self, message: Option<Message>) {
        if let Some(message) = &message {
            let telling = services::messages::tell_again(&self.worker.ctx, self.assignment.tenant, message);
            let _stopped = self.stop.run_until_cancelled(telling).await;
        }
        let pacing = self.pacing();
        if let Some(Message { sent_at: Some(at), chat, .. }) = &message {
            self.ledger.went(chat, *at, &pacing);
        }
        let Some(job) = self.backlog.take_first() else { return };
        if message.is_none_or(|message| message.sent_at.is_none()) {
            // What failed may be asked for again.
            self.backlog.forget(job.id);
        }
        self.ledger.done(job.entry, &pacing);
    }

    /// The first message failed for good.
    async fn finish_failed(&mut self, failure: SendFailure) {
        let Some(job) = self.backlog.take_first() else { return };
        let Assignment { tenant, device, .. } = self.assignment;
        let step = Step::failed(failure, self.worker.ctx.now());
        self.worker.progress.note(tenant, device, &job.id.wa_message_id(), step, None).await;
        // It may be asked for again.
        self.backlog.forget(job.id);
        self.ledger.failed();
        let pacing = self.pacing();
        self.ledger.done(job.entry, &pacing);
    }

    /// Leaves everything to whoever serves the device next.
    async fn let_go(mut self) {
        give_back(LaneOrder::CatchUp(CatchUpRequest::default()), self.channels.orders).await;
        self.backlog.drain().filter_map(|job| job.entry).for_each(Entry::give_back);
        if let Some(catch_up) = self.catch_up.take() {
            catch_up.entries.into_iter().for_each(Entry::give_back);
        }
        let flush = self.worker.progress.flush(Some(self.assignment.device));
        if tokio::time::timeout(FLUSH_TIMEOUT, flush).await.is_err() {
            tracing::warn!(device = %self.assignment.device, "what became of some messages is not written down yet");
        }
        if self.assignment.lease.holds()
            && let Err(error) = self.ledger.store(&self.worker, &self.assignment).await
        {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(device = %self.assignment.device, error, "the lane could not be stored at its end");
        }
    }

    fn pause(&mut self, pause: Duration) {
        self.not_before = Instant::now().checked_add(pause);
    }

    /// As the owner set it; the defaults until that is known.
    fn pacing(&self) -> Pacing {
        self.channels.policy.borrow().rules().map(|rules| rules.pacing.clone()).unwrap_or_default()
    }

    async fn advance(&self, id: MessageId, step: Step) -> Result<Advanced, Error> {
        let Assignment { tenant, device, .. } = self.assignment;
        Ok(messages::advance(&self.worker.ctx.db, tenant, device, &id.wa_message_id(), step).await?)
    }

    fn log(&self, what: &'static str, error: &Error) {
        tracing::warn!(device = %self.assignment.device, error = error as &dyn std::error::Error, "{what}");
    }
}

/// Leaves what was not taken in to whoever serves the device next.
async fn give_back(first: LaneOrder, mut orders: mpsc::Receiver<LaneOrder>) {
    orders.close();
    let mut next = Some(first);
    while let Some(order) = next {
        order.into_entry().into_iter().for_each(Entry::give_back);
        next = orders.recv().await;
    }
}

/// Does something until it works: a lane does not go on to the next message because the store is away, which
/// would change their order.
async fn patiently_until<T, F>(
    stop: &CancellationToken,
    what: &'static str,
    ask: impl Fn() -> F,
) -> Result<T, Over>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut backoff = Backoff::default();
    loop {
        match unless_poison(stop, what, &ask).await? {
            Ok(answer) => return Ok(answer),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "{what}");
            }
        }
        tokio::select! {
            () = stop.cancelled() => return Err(Over),
            () = tokio::time::sleep(backoff.next()) => {}
        }
    }
}

/// Does something until it works, or is found never to.
async fn unless_poison<T, F>(
    stop: &CancellationToken,
    what: &'static str,
    ask: impl Fn() -> F,
) -> Result<Result<T, Error>, Over>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut backoff = Backoff::default();
    loop {
        match ask().await {
            Err(error) if error.passes() => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "{what}");
            }
            outcome => return Ok(outcome),
        }
        tokio::select! {
            () = stop.cancelled() => return Err(Over),
            () = tokio::time::sleep(backoff.next()) => {}
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
