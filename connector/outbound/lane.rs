//! A device's lane: takes its messages one at a time, waits for connection and pace, sends, writes down
//! what came of it. A crash anywhere replays under the same WhatsApp id.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use shared::{
    domain::{
        ids::MessageId,
        message::{Content, Message, MessageStatus, Priority, SendFailure},
        pacing::{Pacing, Turn},
    },
    services::{Category, Error},
    store::{
        devices,
        messages::{self, Advanced, Step},
        outbox,
    },
};
use tokio::{
    sync::{Notify, mpsc, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{
    Entry, Job,
    backlog::{Backlog, Details},
    ledger::Ledger,
    outcome::{MAX_ATTEMPTS, MAX_FAILURES, Verdict, judge, slowdown},
};
use crate::{
    retry::Backoff,
    session::{Open, Place},
    shard::Worker,
    whatsapp::{SendError, Socket},
};

/// How long a stop waits for the server's ack of what is on its way.
const LAST_ACK: Duration = Duration::from_secs(2);

/// How long it waits for what became of messages to be written down.
const LAST_WRITE: Duration = Duration::from_secs(3);

/// How much of the outbox a lane takes in at a time.
const CATCH_UP: u16 = 50;

/// What a lane is told.
pub(crate) enum LaneOrder {
    /// A message to send.
    Send(Box<Job>),
    /// The outbox holds messages that no queue entry tells of; with the entry that says so.
    CatchUp(Option<Entry>),
}

/// What the owner has to say of a device's lane.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Standing {
    /// Not known yet.
    Unknown,
    /// It may send so fast, by the rules of this number.
    Open(Pacing, u32),
    /// Its owner paused it.
    Paused,
    /// The device is gone.
    Gone,
}

/// What a lane hears and tells.
pub(crate) struct Ends {
    pub orders: mpsc::Receiver<LaneOrder>,
    pub open: Open,
    pub standing: watch::Receiver<Standing>,
    /// Asks for another look at the owner's rules.
    pub look: Arc<Notify>,
    /// How many messages it has in hand.
    pub in_hand: Arc<AtomicUsize>,
}

struct Lane {
    worker: Worker,
    place: Place,
    ends: Ends,
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
}

#[derive(Default)]
struct CatchUp {
    entries: Vec<Entry>,
    /// How far each priority was looked through.
    normal: Option<outbox::Waiting>,
    bulk: Option<outbox::Waiting>,
}

/// The lane has come to its end: the device is gone or served elsewhere.
struct Over;

/// What a waiting lane does next.
enum Next {
    /// Send the first message through this socket.
    Go(Arc<Socket>),
    /// The first message waited too long.
    Expired,
    /// Something changed: look again.
    Again,
}

/// Runs a device's lane until `stop` or until nobody hands in messages any more.
pub(crate) async fn run(worker: Worker, place: Place, mut ends: Ends, stop: CancellationToken) {
    // Most devices have nothing to send for most of the time.
    let first = tokio::select! {
        biased;
        () = stop.cancelled() => return,
        first = ends.orders.recv() => match first {
            Some(first) => first,
            None => return,
        },
    };
    let loading =
        patiently_until(&stop, "the lane cannot be read yet", async || Ledger::load(&worker, &place).await);
    let Ok(ledger) = loading.await else { return give_back(first, ends.orders).await };
    let mut lane = Lane {
        worker,
        place,
        ends,
        stop,
        backlog: Backlog::default(),
        ledger,
        catch_up: None,
        not_before: None,
        backoff: Backoff::default(),
        slowdowns: 0,
    };
    lane.take_in(first);
    if let Standing::Open(pacing, _) = lane.ends.standing.borrow().clone() {
        lane.ledger.draw(&pacing);
    }
    while lane.step().await.is_ok() {}
    lane.let_go().await;
}

impl Lane {
    /// Does the next thing there is to do.
    async fn step(&mut self) -> Result<(), Over> {
        self.ends.in_hand.store(self.backlog.len() + usize::from(self.catch_up.is_some()), Ordering::Release);
        if self.stop.is_cancelled() || !self.place.lease.holds() {
            return Err(Over);
        }
        while let Ok(order) = self.ends.orders.try_recv() {
            self.take_in(order);
        }
        if *self.ends.standing.borrow() == Standing::Gone {
            self.backlog.drain().filter_map(|job| job.entry).for_each(Entry::delete);
            self.catch_up = None;
            self.ledger.forget();
            return self.idle().await;
        }
        self.store_when_due().await?;
        if self.catch_up.is_some() && !self.backlog.has_from_outbox() {
            return self.look_into_outbox().await;
        }
        if self.backlog.first().is_none() {
            return self.idle().await;
        }
        let Some(details) = self.details().await? else { return Ok(()) };
        match self.wait(&details).await? {
            Next::Go(socket) => self.send_first(&socket, &details).await,
            Next::Expired => {
                let failure = SendFailure::new("expired", "the message could not be sent before it expired");
                self.finish_failed(failure).await;
                Ok(())
            }
            Next::Again => Ok(()),
        }
    }

    fn take_in(&mut self, order: LaneOrder) {
        match order {
            LaneOrder::Send(job) => self.backlog.add(*job),
            LaneOrder::CatchUp(entry) => self.catch_up.get_or_insert_default().entries.extend(entry),
        }
    }

    /// Waits for something to do.
    async fn idle(&mut self) -> Result<(), Over> {
        let due = self.ledger.due(true);
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Over),
            order = self.ends.orders.recv() => match order {
                Some(order) => { self.take_in(order); Ok(()) }
                None => Err(Over),
            },
            changed = self.ends.standing.changed() => changed.map_err(|_| Over),
            () = sleep_until(due) => Ok(()),
        }
    }

    async fn store_when_due(&mut self) -> Result<(), Over> {
        let idle = self.backlog.first().is_none();
        if self.ledger.due(idle).is_none_or(|due| due > Instant::now()) {
            return Ok(());
        }
        match self.ledger.store(&self.worker, &self.place).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                tracing::error!(device = %self.place.device, "a later holder serves this device already");
                Err(Over)
            }
            Err(error) => {
                self.log("the lane could not be stored yet", &error);
                Ok(())
            }
        }
    }

    /// Takes in what waits in the outbox, in its order.
    async fn look_into_outbox(&mut self) -> Result<(), Over> {
        let Some(catch_up) = &self.catch_up else { return Ok(()) };
        let (normal, bulk, now) = (catch_up.normal, catch_up.bulk, self.worker.ctx.now());
        let (db, shard, device) = (&self.worker.ctx.db, self.place.shard, self.place.device);
        let look = || async {
            let (normal, bulk) = (normal.as_ref(), bulk.as_ref());
            let found = outbox::of_device(db, shard, device, Priority::Normal, normal, CATCH_UP).await?;
            if !found.is_empty() {
                return Ok(found);
            }
            Ok(outbox::of_device(db, shard, device, Priority::Bulk, bulk, CATCH_UP).await?)
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
        self.catch_up = None;
        if let Err(error) = devices::clear_gap(db, self.place.tenant, device, now).await {
            // Then the next message has the outbox looked into once more.
            self.log("the gap could not be cleared", &Error::from(error));
        }
        Ok(())
    }

    /// What decides about the first message's turn. None when it is not to be sent any more.
    async fn details(&mut self) -> Result<Option<Details>, Over> {
        let Some(first) = self.backlog.first() else { return Ok(None) };
        if let Some(details) = &first.details {
            return Ok(Some(details.clone()));
        }
        let (id, db, place) = (first.id, &self.worker.ctx.db, &self.place);
        let read = || async { Ok(messages::get(db, place.tenant, place.device, id).await?) };
        let message = patiently_until(&self.stop, "a message cannot be read yet", read).await?;
        let waits = |m: &Message| matches!(m.status, MessageStatus::Queued | MessageStatus::Sending);
        match message {
            Some(message) if waits(&message) => {
                let details = Details::from(&message);
                if let Some(first) = self.backlog.first() {
                    first.details = Some(details.clone());
                }
                Ok(Some(details))
            }
            other => {
                self.pass_over(other);
                Ok(None)
            }
        }
    }

    /// The first message is done already. If a former holder of the device sent it, pacing has to know.
    fn pass_over(&mut self, message: Option<Message>) {
        let pacing = self.pacing();
        if let Some(Message { sent_at: Some(at), chat, .. }) = &message {
            self.ledger.went(chat, *at, &pacing);
        }
        let entry = self.backlog.take_first().and_then(|job| job.entry);
        self.ledger.done(entry, &pacing);
    }

    /// Waits until the device is connected and pacing lets the first message go.
    async fn wait(&mut self, details: &Details) -> Result<Next, Over> {
        let now = self.worker.ctx.now();
        let standing = self.ends.standing.borrow_and_update().clone();
        let socket = self.ends.open.borrow_and_update().clone();
        let left = details.expires_at.map(|at| at.since(now));
        if left == Some(Duration::ZERO) {
            return Ok(Next::Expired);
        }
        let turn = match &standing {
            Standing::Open(pacing, rules) if *rules >= details.send_rules => {
                Some(self.ledger.turn(pacing, &details.chat, now))
            }
            // It was accepted under rules that are not known here yet.
            Standing::Open(..) => {
                self.ends.look.notify_one();
                None
            }
            _ => None,
        };
        let not_before = self.not_before.filter(|at| *at > Instant::now());
        let mut look_again = not_before;
        match (turn, socket) {
            (Some(Turn { limit: None, .. }), Some(socket)) if not_before.is_none() => {
                if socket.is_connected() {
                    return Ok(Next::Go(socket));
                }
                // The socket knows first that it is gone; the actor takes it away a moment later.
                look_again = Some(Instant::now() + Duration::from_millis(50));
            }
            (Some(turn), _) if turn.limit.is_some() => {
                self.ledger.waits(turn, now);
                // The clock counts in milliseconds: not before the one that is meant.
                let pause = turn.at.since(now) + Duration::from_millis(1);
                look_again = Instant::now().checked_add(pause).max(not_before);
            }
            _ => {}
        }
        let expiry = left.and_then(|left| Instant::now().checked_add(left));
        let due = self.ledger.due(false);
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Over),
            order = self.ends.orders.recv() => match order {
                // A direct message goes before the bulk message that waits here.
                Some(order) => { self.take_in(order); Ok(Next::Again) }
                None => Err(Over),
            },
            changed = self.ends.standing.changed() => changed.map(|()| Next::Again).map_err(|_| Over),
            changed = self.ends.open.changed() => changed.map(|()| Next::Again).map_err(|_| Over),
            () = sleep_until(look_again) => Ok(Next::Again),
            () = sleep_until(expiry) => Ok(Next::Again),
            () = sleep_until(due) => Ok(Next::Again),
        }
    }

    async fn send_first(&mut self, socket: &Socket, details: &Details) -> Result<(), Over> {
        let Some(first) = self.backlog.first() else { return Ok(()) };
        let id = first.id;
        let mark = || self.advance(id, Step::to(MessageStatus::Sending, self.worker.ctx.now()));
        let message = match patiently_until(&self.stop, "a message cannot be marked yet", mark).await? {
            Advanced::Done(message) => message,
            Advanced::Stale(message) => {
                self.pass_over(Some(*message));
                return Ok(());
            }
            Advanced::Missing => {
                self.pass_over(None);
                return Ok(());
            }
        };
        // The last look before something goes out that only the holder may send.
        if !self.place.lease.holds() {
            return Err(Over);
        }
        let Content::Text { text } = &message.content else {
            self.finish_failed(SendFailure::new("invalid", "this kind of message cannot be sent")).await;
            return Ok(());
        };
        let to = message.chat.to_string();
        let stopped = async {
            self.stop.cancelled().await;
            tokio::time::sleep(LAST_ACK).await;
        };
        let outcome = tokio::select! {
            outcome = socket.send_text(&to, &message.wa_message_id, &text.body) => outcome,
            () = stopped => return Err(Over),
        };
        let (now, pacing) = (self.worker.ctx.now(), self.pacing());
        match outcome {
            Ok(_) => {
                self.slowdowns = 0;
                self.backoff.reset();
                self.ledger.sent(&details.chat, now, &pacing);
                let step = Step::to(MessageStatus::Sent, now);
                let Self { worker, place, .. } = self;
                worker.progress.note(place.tenant, place.device, &message.wa_message_id, step).await;
                let entry = self.backlog.take_first().and_then(|job| job.entry);
                self.ledger.done(entry, &pacing);
            }
            Err(error) => {
                if error.may_have_been_sent() {
                    self.ledger.went(&details.chat, now, &pacing);
                }
                self.on_failure(&message, &error, &pacing).await;
            }
        }
        Ok(())
    }

    async fn on_failure(&mut self, message: &Message, error: &SendError, pacing: &Pacing) {
        let (device, id) = (self.place.device, message.id);
        let failures = self.backlog.first().map_or(0, |job| job.failures + 1);
        match judge(error) {
            Verdict::Wait => self.pause(Duration::from_millis(200)),
            Verdict::SlowDown => {
                self.slowdowns += 1;
                let pause = slowdown(self.worker.whatsapp.rate_limit_pause(), self.slowdowns);
                tracing::warn!(%device, ?pause, "WhatsApp limits the rate of this device; it is silent for a while");
                self.ledger.slow_down(self.worker.ctx.now() + pause);
                self.pause(pause);
            }
            Verdict::Again(_) if failures < MAX_FAILURES && message.attempts < MAX_ATTEMPTS => {
                tracing::info!(message = %id, %error, failures, "a send failed; trying again");
                if let Some(job) = self.backlog.first() {
                    job.failures = failures;
                }
                let pause = self.backoff.next();
                self.pause(pause);
            }
            Verdict::Again(failure) | Verdict::GiveUp(failure) => {
                tracing::info!(message = %id, %error, failures, "a send failed for good");
                // Knocking on closed doors is what makes an account suspect, too.
                self.ledger.went(&message.chat, self.worker.ctx.now(), pacing);
                self.finish_failed(failure).await;
            }
        }
    }

    /// The first message failed for good.
    async fn finish_failed(&mut self, failure: SendFailure) {
        let Some(job) = self.backlog.take_first() else { return };
        let Place { tenant, device, .. } = self.place;
        let step = Step::failed(failure, self.worker.ctx.now());
        self.worker.progress.note(tenant, device, &job.id.wa_message_id(), step).await;
        // It may be asked for again.
        self.backlog.forget(job.id);
        self.ledger.failed();
        let pacing = self.pacing();
        self.ledger.done(job.entry, &pacing);
    }

    /// Leaves everything to whoever serves the device next.
    async fn let_go(mut self) {
        give_back(LaneOrder::CatchUp(None), self.ends.orders).await;
        self.backlog.drain().filter_map(|job| job.entry).for_each(Entry::give_back);
        if let Some(catch_up) = self.catch_up.take() {
            catch_up.entries.into_iter().for_each(Entry::give_back);
        }
        let flush = self.worker.progress.flush(Some(self.place.device));
        if tokio::time::timeout(LAST_WRITE, flush).await.is_err() {
            tracing::warn!(device = %self.place.device, "what became of some messages is not written down yet");
        }
        if self.place.lease.holds()
            && let Err(error) = self.ledger.store(&self.worker, &self.place).await
        {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(device = %self.place.device, error, "the lane could not be stored at its end");
        }
    }

    fn pause(&mut self, pause: Duration) {
        self.not_before = Instant::now().checked_add(pause);
    }

    /// As the owner set it; the defaults until that is known.
    fn pacing(&self) -> Pacing {
        match &*self.ends.standing.borrow() {
            Standing::Open(pacing, _) => pacing.clone(),
            _ => Pacing::default(),
        }
    }

    async fn advance(&self, id: MessageId, step: Step) -> Result<Advanced, Error> {
        let Place { tenant, device, .. } = self.place;
        Ok(messages::advance(&self.worker.ctx.db, tenant, device, &id.wa_message_id(), step).await?)
    }

    fn log(&self, what: &'static str, error: &Error) {
        tracing::warn!(device = %self.place.device, error = error as &dyn std::error::Error, "{what}");
    }
}

/// Leaves what was not taken in to whoever serves the device next.
async fn give_back(first: LaneOrder, mut orders: mpsc::Receiver<LaneOrder>) {
    orders.close();
    let mut next = Some(first);
    while let Some(order) = next {
        match order {
            LaneOrder::Send(job) => job.entry.into_iter().for_each(Entry::give_back),
            LaneOrder::CatchUp(entry) => entry.into_iter().for_each(Entry::give_back),
        }
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
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error) => {
                let fault = error.category != Category::Unavailable;
                let error = &error as &dyn std::error::Error;
                if fault {
                    tracing::error!(error, "{what}");
                } else {
                    tracing::warn!(error, "{what}");
                }
            }
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
