//! The ends of logs that somebody watches: one task per tenant reads what is added, for all who watch in this
//! process.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, mpsc, watch},
    time::Instant,
};

use crate::{
    domain::{event::Event, ids::TenantId},
    services::{Context, Error, ErrorCode, Pass},
    store::events,
};

/// How many may watch a tenant's log in one process.
pub const MOST_WATCHERS: usize = 100;

/// How many rows may wait for one who watches; whoever falls behind that is cut off.
const MAX_WAITING_ROWS: usize = 256;

/// The pause between looks while something happens.
const PAUSE: Duration = Duration::from_millis(250);

/// It grows to this while nothing does.
const LONGEST_PAUSE: Duration = Duration::from_millis(750);

/// The pause after a look that somebody asked for, and between pages: what comes meanwhile is read together, and
/// those who watch get time to take what they got.
const PAUSE_BETWEEN_READS: Duration = Duration::from_millis(20);

/// How often it is looked whether those who watch may still see the log.
const CHECK: Duration = Duration::from_secs(20);

/// Rows read at a time.
const READ: u16 = 50;

/// What one process watches. Clones are the same.
#[derive(Clone)]
pub struct Tails(Arc<Inner>);

struct Inner {
    tails: Mutex<HashMap<TenantId, Tail>>,
    closing: watch::Sender<bool>,
}

impl Default for Tails {
    fn default() -> Self {
        Self(Arc::new(Inner { tails: Mutex::default(), closing: watch::Sender::new(false) }))
    }
}

/// The end of one log. It is there while somebody watches, or is about to.
#[derive(Default)]
struct Tail {
    watchers: usize,
    /// The last row that was read and handed on; not set before the first who watches.
    position: u64,
    channels: Vec<Channel>,
    /// Asks the reading task for a look at once. There is a task when this is set.
    reading: Option<Arc<Notify>>,
}

/// The way to one who watches.
struct Channel {
    rows: mpsc::Sender<Arc<Row>>,
    /// What let it in.
    pass: Pass,
}

/// A row, read once for all who watch.
#[derive(Debug)]
pub(super) struct Row {
    pub sequence: u64,
    pub events: Vec<Arc<Event>>,
}

/// A place among those who watch; left when dropped.
pub(super) struct Place {
    tails: Tails,
    tenant: TenantId,
}

impl Tails {
    /// Takes a place.
    pub(super) fn enter(&self, tenant: TenantId) -> Result<Place, Error> {
        if *self.0.closing.borrow() {
            let error = Error::new(ErrorCode::Unavailable, "Kurir is stopping");
            return Err(error.retry_after(Duration::from_secs(1)));
        }
        let mut tails = self.lock();
        let tail = tails.entry(tenant).or_default();
        if tail.watchers >= MOST_WATCHERS {
            let detail = format!("at most {MOST_WATCHERS} event streams may be open at a time");
            let error = Error::new(ErrorCode::RateLimited, detail);
            return Err(error.retry_after(Duration::from_secs(10)));
        }
        tail.watchers += 1;
        drop(tails);
        Ok(Place { tails: self.clone(), tenant })
    }

    /// Something was added to a tenant's log by this process: who watches should see it at once.
    pub(super) fn look(&self, tenant: TenantId) {
        if let Some(reading) = self.lock().get(&tenant).and_then(|tail| tail.reading.as_ref()) {
            reading.notify_one();
        }
    }

    /// Ends everybody's watching, for good: the process is about to stop.
    pub fn close(&self) {
        self.0.closing.send_replace(true);
        for tail in self.lock().values_mut() {
            tail.channels.clear();
        }
    }

    /// Returns when [`Tails::close`] was called.
    pub(super) async fn closed(&self) {
        let mut closing = self.0.closing.subscribe();
        let _closed = closing.wait_for(|closing| *closing).await;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, Tail>> {
        // Nothing panics while holding this.
        self.0.tails.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Watches from now on. Every row after the number that is answered comes through the channel, in order; the
    /// channel ends when the log may no longer be seen, or whoever watches is too slow. `read` is the last row
    /// that the caller has.
    pub fn watch(&self, ctx: &Context, read: u64, pass: Pass) -> (u64, mpsc::Receiver<Arc<Row>>) {
        let (sender, rows) = mpsc::channel(MAX_WAITING_ROWS);
        let mut tails = self.tails.lock();
        let tail = tails.entry(self.tenant).or_default();
        if tail.reading.is_none() {
            let asked = Arc::new(Notify::new());
            tail.reading = Some(asked.clone());
            tail.position = read;
            tokio::spawn(run(ctx.clone(), self.tenant, asked));
        }
        tail.channels.retain(|channel| !channel.rows.is_closed());
        if !*self.tails.0.closing.borrow() {
            tail.channels.push(Channel { rows: sender, pass });
        }
        (tail.position, rows)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut tails = self.tails.lock();
        let Some(tail) = tails.get_mut(&self.tenant) else { return };
        tail.watchers -= 1;
        if tail.watchers == 0 {
            // The task notices.
            let gone = tails.remove(&self.tenant);
            if let Some(reading) = gone.and_then(|tail| tail.reading) {
                reading.notify_one();
            }
        }
    }
}

/// Reads what is added to one log until nobody watches any more.
async fn run(ctx: Context, tenant: TenantId, asked: Arc<Notify>) {
    let tails = &ctx.tails;
    let mut checked: Option<Instant> = None;
    let mut pause = PAUSE;
    loop {
        let is_asked = tokio::time::timeout(pause, asked.notified()).await.is_ok();
        let Some(position) = tails.position(tenant, &asked) else { return };
        if checked.is_none_or(|at| at.elapsed() >= CHECK) {
            match no_longer_hold(&ctx, tails.passes(tenant, &asked)).await {
                Ok(ended) => {
                    tails.end(tenant, &asked, &ended);
                    checked = Some(Instant::now());
                }
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(%tenant, error, "it cannot be found out who may see a log");
                }
            }
        }
        match events::after(&ctx.db, tenant, position, READ).await {
            Ok(found) => {
                let some = !found.rows.is_empty();
                for row in found.rows {
                    let sequence = row.sequence;
                    let events = row.into_events().into_iter().map(Arc::new).collect();
                    tails.hand_on(tenant, &asked, Row { sequence, events });
                }
                pause = match (found.more, some || is_asked) {
                    (true, _) => PAUSE_BETWEEN_READS,
                    (false, true) => PAUSE,
                    (false, false) => (pause * 5 / 4).clamp(PAUSE, LONGEST_PAUSE),
                };
                if some && is_asked {
                    tokio::time::sleep(PAUSE_BETWEEN_READS).await;
                }
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(%tenant, error, "a log cannot be read");
                pause = LONGEST_PAUSE;
            }
        }
    }
}

impl Tails {
    /// The last row that was handed on by the task that listens to `asked`; `None` when it has been replaced.
    fn position(&self, tenant: TenantId, asked: &Arc<Notify>) -> Option<u64> {
        let tails = self.lock();
        let tail = tails.get(&tenant).filter(|tail| is_read_by(tail, asked))?;
        Some(tail.position)
    }

    fn hand_on(&self, tenant: TenantId, asked: &Arc<Notify>, row: Row) {
        if let Some(tail) = self.lock().get_mut(&tenant).filter(|tail| is_read_by(tail, asked)) {
            tail.hand_on(row);
        }
    }

    /// What let those in who watch.
    fn passes(&self, tenant: TenantId, asked: &Arc<Notify>) -> HashSet<Pass> {
        let tails = self.lock();
        let tail = tails.get(&tenant).filter(|tail| is_read_by(tail, asked));
        tail.into_iter().flat_map(|tail| &tail.channels).map(|channel| channel.pass.clone()).collect()
    }

    /// Sends away those whom these let in.
    fn end(&self, tenant: TenantId, asked: &Arc<Notify>, ended: &HashSet<Pass>) {
        if let Some(tail) = self.lock().get_mut(&tenant).filter(|tail| is_read_by(tail, asked)) {
            tail.channels.retain(|channel| !ended.contains(&channel.pass));
        }
    }
}

/// Which of these let nobody in any more.
async fn no_longer_hold(ctx: &Context, passes: HashSet<Pass>) -> Result<HashSet<Pass>, Error> {
    let mut ended = HashSet::new();
    for pass in passes {
        if !pass.holds(ctx).await? {
            ended.insert(pass);
        }
    }
    Ok(ended)
}

impl Tail {
    /// Hands a row to all who watch. Who is too slow is cut off, and goes on from the last event that it got.
    fn hand_on(&mut self, row: Row) {
        let row = Arc::new(row);
        self.position = row.sequence;
        self.channels.retain(|channel| channel.rows.try_send(row.clone()).is_ok());
    }
}

fn is_read_by(tail: &Tail, asked: &Arc<Notify>) -> bool {
    tail.reading.as_ref().is_some_and(|reading| Arc::ptr_eq(reading, asked))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::ids::AccountId, services::authenticate::By};

    fn pass() -> Pass {
        let by = By::Key { hash: String::new() };
        Pass { account: AccountId::derived([0; 32]), tenant: TenantId::derived([0; 32]), by }
    }

    #[test]
    fn who_reads_too_slowly_is_cut_off_and_holds_up_nobody_else() {
        let mut tail = Tail::default();
        let (slow, mut slow_rows) = mpsc::channel(MAX_WAITING_ROWS);
        let (quick, mut quick_rows) = mpsc::channel(MAX_WAITING_ROWS);
        tail.channels = [slow, quick].map(|rows| Channel { rows, pass: pass() }).into();
        for sequence in 0..1000 {
            tail.hand_on(Row { sequence, events: Vec::new() });
            assert_eq!(quick_rows.try_recv().unwrap().sequence, sequence);
        }
        assert_eq!(tail.channels.len(), 1);
        let got = std::iter::from_fn(|| slow_rows.try_recv().ok()).count();
        assert_eq!(got, MAX_WAITING_ROWS, "no more is kept for it");
        assert_eq!(slow_rows.try_recv().unwrap_err(), mpsc::error::TryRecvError::Disconnected);
    }

    #[test]
    fn a_tenant_has_so_many_places_and_a_place_that_is_left_is_free() {
        let (tails, tenant) = (Tails::default(), TenantId::derived([1; 32]));
        let mut places: Vec<Place> = (0..MOST_WATCHERS).map(|_| tails.enter(tenant).unwrap()).collect();
        let refused = tails.enter(tenant).err().unwrap();
        assert_eq!(refused.code, ErrorCode::RateLimited);
        assert!(tails.enter(TenantId::derived([2; 32])).is_ok(), "another tenant has its own");
        places.pop();
        let _again = tails.enter(tenant).unwrap();
        drop(places);
        drop(_again);
        assert!(tails.lock().is_empty());
        tails.close();
        assert_eq!(tails.enter(tenant).err().unwrap().code, ErrorCode::Unavailable);
    }
}
