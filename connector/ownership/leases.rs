//! Shards by lease: shared evenly with the other workers, renewed, handed over, and taken over from those that
//! have ended. Why it is safe stands in docs/adr/0010.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures::{StreamExt, stream};
use shared::{
    clock::{SharedClock, Timestamp},
    domain::ids::WorkerId,
    store::{
        Db, StoreError,
        leases::{Claim, LeaseRow},
    },
};
use tokio::{
    sync::{Mutex as AsyncMutex, watch},
    time::{Instant, MissedTickBehavior, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Epoch, LEASE_DURATION, Lease, Ownership,
    balance::{self, View},
    registry::Registry,
    rows::Rows,
    stall_detector::StallDetector,
};
use crate::session_count::SessionCount;

/// How often it looks who holds what.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);

/// How often each lease is renewed and the heartbeat written.
const RENEW_INTERVAL: Duration = Duration::from_secs(3);

/// How often it looks which leases are to be renewed: one whose renewal failed is tried again that soon.
const RENEW_TICK: Duration = Duration::from_millis(500);

/// How long any request may take: one that hangs must not keep others waiting until leases end.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);

/// How many requests of one kind are under way at a time.
const MAX_CONCURRENT_REQUESTS: usize = 32;

/// How often giving a row back is tried before it is left to the others' clocks.
const MAX_RELEASE_ATTEMPTS: u32 = 3;

/// Holds shards by lease.
pub struct Leases(Arc<Inner>);

pub(super) struct Inner {
    me: WorkerId,
    clock: SharedClock,
    shards: u16,
    rows: Arc<dyn Rows>,
    registry: AsyncMutex<(Registry, u64)>,
    /// When the last heartbeat that went through was written.
    last_heartbeat: watch::Sender<Option<Timestamp>>,
    state: Mutex<State>,
    held: watch::Sender<BTreeMap<u16, Lease>>,
    /// Ends the looking.
    leave: CancellationToken,
    /// Ends everything else.
    close: CancellationToken,
}

#[derive(Default)]
struct State {
    ours: BTreeMap<u16, Ours>,
    /// Others get its shards, and it takes no more.
    draining: bool,
    /// Nobody serves here any more what is taken from now on.
    left: bool,
}

/// A shard that is served here.
struct Ours {
    lease: Lease,
    /// When the last renewal that went through began.
    renewed: Instant,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Served.
    Held,
    /// No longer served, but renewed until the connector has let it go.
    HandingOver,
    /// Another may have it already; the connector is letting it go.
    Lost,
}

impl Leases {
    /// Begins to register, to look and to take.
    pub(crate) fn start(
        db: Db,
        shards: u16,
        me: WorkerId,
        clock: SharedClock,
        sessions: SessionCount,
    ) -> Self {
        let leases = Self::with(Arc::new(db), shards, me, clock, sessions);
        leases.run();
        leases
    }

    pub(super) fn with(
        rows: Arc<dyn Rows>,
        shards: u16,
        me: WorkerId,
        clock: SharedClock,
        sessions: SessionCount,
    ) -> Self {
        Self(Arc::new(Inner {
            me,
            shards,
            rows,
            registry: AsyncMutex::new((Registry::new(me, clock.clone(), sessions), 0)),
            clock,
            last_heartbeat: watch::Sender::new(None),
            state: Mutex::default(),
            held: watch::Sender::new(BTreeMap::new()),
            leave: CancellationToken::new(),
            close: CancellationToken::new(),
        }))
    }

    /// When the last heartbeat that went through was written.
    pub(crate) fn last_heartbeat(&self) -> watch::Receiver<Option<Timestamp>> {
        self.0.last_heartbeat.subscribe()
    }

    pub(super) fn run(&self) {
        let inner = &self.0;
        tokio::spawn(inner.clone().look());
        tokio::spawn(inner.clone().beat());
        tokio::spawn(inner.close.clone().run_until_cancelled_owned(inner.clone().renew()));
        tokio::spawn(inner.close.clone().run_until_cancelled_owned(inner.clone().expire()));
    }
}

#[async_trait]
impl Ownership for Leases {
    fn held(&self) -> watch::Receiver<BTreeMap<u16, Lease>> {
        self.0.held.subscribe()
    }

    async fn released(&self, shard: u16) {
        self.0.released(shard).await;
    }

    async fn leave(&self) {
        let inner = &self.0;
        inner.leave.cancel();
        {
            let mut state = inner.state();
            (state.draining, state.left) = (true, true);
        }
        // Others may take the shards as soon as they are free, and this one counts no more.
        inner.tell().await;
        inner.hand_over(|_| true);
    }

    async fn close(&self) {
        let inner = &self.0;
        inner.close.cancel();
        // A heartbeat that is under way must not come after.
        let _quiet = inner.registry.lock().await;
        match timeout(REQUEST_TIMEOUT, inner.rows.forget(inner.me)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => log("this worker's row could not be deleted; it fades away", &error),
            Err(_) => tracing::warn!("this worker's row could not be deleted in time; it fades away"),
        }
    }
}

impl Inner {
    /// Every second: what is free is taken, what is over this worker's share is given up.
    async fn look(self: Arc<Self>) {
        // A request that was begun is waited for: what it took must be known.
        // Others should count this worker before it takes anything.
        self.tell().await;
        let mut leases: StallDetector<u16, (Epoch, u64)> = StallDetector::default();
        let mut workers: StallDetector<WorkerId, u64> = StallDetector::default();
        let mut ticks = ticks(LOOK_INTERVAL);
        let mut blind = false;
        while self.leave.run_until_cancelled(ticks.tick()).await.is_some() {
            let reading = async { tokio::try_join!(self.rows.leases(), self.rows.heartbeats()) };
            let (rows, heartbeats) = match timeout(REQUEST_TIMEOUT, reading).await {
                Ok(Ok(read)) => {
                    blind = false;
                    read
                }
                Ok(Err(error)) => {
                    if !std::mem::replace(&mut blind, true) {
                        log("the leases cannot be read", &error);
                    }
                    continue;
                }
                Err(_) => {
                    if !std::mem::replace(&mut blind, true) {
                        tracing::warn!("the leases cannot be read in time");
                    }
                    continue;
                }
            };
            workers.keep(|id| heartbeats.iter().any(|beat| beat.id == *id));
            let mut takers = BTreeSet::new();
            let mut settled = BTreeSet::new();
            for beat in heartbeats {
                // Who has just started should not keep a share free for one that is long gone. It is only of the
                // shares that this decides: a lease is watched.
                let age = self.clock.now().since(beat.last_heartbeat_at);
                let gone = workers.is_stalled_with_age(beat.id, beat.counter, age);
                if beat.id == self.me {
                    let mut state = self.state();
                    if beat.draining && !std::mem::replace(&mut state.draining, true) {
                        tracing::info!("draining: giving all shards to others");
                    }
                } else if !gone && !beat.draining {
                    takers.insert(beat.id);
                    if workers.is_settled(&beat.id) {
                        settled.insert(beat.id);
                    }
                }
            }
            let rows: HashMap<u16, LeaseRow> = rows.into_iter().map(|row| (row.shard, row)).collect();
            let stalled: BTreeSet<u16> = rows
                .values()
                .filter(|row| leases.is_stalled(row.shard, (row.epoch, row.counter)))
                .map(|row| row.shard)
                .collect();
            self.settle(takers, settled, &rows, &stalled).await;
        }
    }

    /// Applies the rule of [`balance`] to what was read. `stalled` are the shards whose counters stand still.
    /// Those are shared among the `settled` alone: who came later does not see yet that they stand still, and
    /// nobody should wait for it.
    async fn settle(
        &self,
        mut workers: BTreeSet<WorkerId>,
        mut settled: BTreeSet<WorkerId>,
        rows: &HashMap<u16, LeaseRow>,
        stalled: &BTreeSet<u16>,
    ) {
        let (mine, free): (BTreeSet<u16>, BTreeSet<u16>) = {
            let state = self.state();
            if !state.draining {
                workers.insert(self.me);
                settled.insert(self.me);
            }
            // One of this worker's own that it does not know of: a request came through whose answer did not.
            let is_free = |shard: &u16| match rows.get(shard).map(|row| row.owner) {
                None | Some(None) => true,
                Some(Some(owner)) => owner == self.me || stalled.contains(shard),
            };
            let held = state.ours.iter().filter(|(_, ours)| ours.phase == Phase::Held);
            let free = (0..self.shards).filter(|shard| !state.ours.contains_key(shard)).filter(is_free);
            (held.map(|(shard, _)| *shard).collect(), free.collect())
        };
        let view = View { shards: self.shards, me: self.me, workers: &workers, mine: &mine, free: &free };
        let mut moves = balance::moves(view);
        self.hand_over(|shard| moves.give.contains(&shard));
        let soon: BTreeSet<u16> = moves.take.iter().copied().chain(mine.iter().copied()).collect();
        let orphans = free.intersection(stalled).copied().filter(|shard| !soon.contains(shard)).collect();
        let view = View { workers: &settled, mine: &soon, free: &orphans, ..view };
        moves.take.extend(balance::moves(view).take);
        stream::iter(moves.take)
            .for_each_concurrent(MAX_CONCURRENT_REQUESTS, |shard| self.take(shard, rows.get(&shard)))
            .await;
    }

    async fn take(&self, shard: u16, seen: Option<&LeaseRow>) {
        let began = Instant::now();
        match timeout(REQUEST_TIMEOUT, self.rows.take(shard, self.me, seen)).await {
            Ok(Ok(Claim::Done)) => {}
            // Another was quicker.
            Ok(Ok(Claim::Refused)) => return,
            Ok(Err(error)) => return log("a shard cannot be taken", &error),
            Err(_) => return tracing::warn!(shard, "a shard cannot be taken in time"),
        }
        let epoch = seen.map_or(0, |row| row.epoch) + 1;
        match seen.and_then(|row| row.owner).filter(|owner| *owner != self.me) {
            Some(from) => tracing::info!(shard, epoch, %from, "took a shard over from a worker that is gone"),
            None => tracing::info!(shard, epoch, "took a shard"),
        }
        let lease = Lease::until(shard, epoch, began + LEASE_DURATION);
        let left = {
            let mut state = self.state();
            state.ours.insert(shard, Ours { lease, renewed: began, phase: Phase::Held });
            state.left
        };
        match left {
            false => self.publish(),
            // It came too late: the connector serves nothing any more.
            true => self.released(shard).await,
        }
    }

    /// Stops serving shards. Their leases go on until the connector has let them go.
    fn hand_over(&self, which: impl Fn(u16) -> bool) {
        for (shard, ours) in &mut self.state().ours {
            if ours.phase == Phase::Held && which(*shard) {
                tracing::info!(shard, epoch = ours.lease.epoch(), "handing a shard over");
                ours.phase = Phase::HandingOver;
            }
        }
        self.publish();
    }

    /// Gives a shard's row back.
    async fn released(&self, shard: u16) {
        let Some(ours) = self.state().ours.remove(&shard) else { return };
        self.publish();
        ours.lease.end();
        let epoch = ours.lease.epoch();
        for attempt in 1..=MAX_RELEASE_ATTEMPTS {
            match timeout(REQUEST_TIMEOUT, self.rows.release(shard, self.me, epoch)).await {
                // Refused: it is another's already.
                Ok(Ok(Claim::Done | Claim::Refused)) => return,
                Ok(Err(error)) if attempt == MAX_RELEASE_ATTEMPTS => {
                    log("a shard cannot be given back; others take it when its lease has ended", &error);
                }
                Ok(Err(_)) => tokio::time::sleep(RENEW_TICK).await,
                Err(_) => tracing::warn!(shard, "a shard cannot be given back in time"),
            }
        }
    }

    /// Renews each lease in time.
    async fn renew(self: Arc<Self>) {
        let mut ticks = ticks(RENEW_TICK);
        loop {
            ticks.tick().await;
            let due: Vec<Lease> = {
                let state = self.state();
                let due = state
                    .ours
                    .values()
                    .filter(|ours| ours.phase != Phase::Lost && ours.renewed.elapsed() >= RENEW_INTERVAL);
                due.map(|ours| ours.lease.clone()).collect()
            };
            stream::iter(due)
                .for_each_concurrent(MAX_CONCURRENT_REQUESTS, |lease| self.renew_one(lease))
                .await;
        }
    }

    async fn renew_one(&self, lease: Lease) {
        let (shard, epoch, began) = (lease.shard(), lease.epoch(), Instant::now());
        match timeout(REQUEST_TIMEOUT, self.rows.renew(shard, self.me, epoch)).await {
            Ok(Ok(Claim::Done)) => {
                lease.prolong(began + LEASE_DURATION);
                if let Some(ours) = self.state().ours.get_mut(&shard)
                    && ours.lease.epoch() == epoch
                {
                    ours.renewed = began;
                }
            }
            Ok(Ok(Claim::Refused)) => self.lose(shard, epoch, "another worker has it"),
            Ok(Err(error)) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(shard, epoch, error, "a lease could not be renewed yet");
            }
            Err(_) => tracing::warn!(shard, epoch, "a lease could not be renewed in time yet"),
        }
    }

    /// Ends leases that are not good any more.
    async fn expire(self: Arc<Self>) {
        loop {
            let (ended, next) = {
                let state = self.state();
                let alive = || state.ours.iter().filter(|(_, ours)| ours.phase != Phase::Lost);
                let ended: Vec<(u16, Epoch)> = alive()
                    .filter(|(_, ours)| !ours.lease.holds())
                    .map(|(shard, ours)| (*shard, ours.lease.epoch()))
                    .collect();
                (ended, alive().map(|(_, ours)| ours.renewed + LEASE_DURATION).min())
            };
            for (shard, epoch) in ended {
                self.lose(shard, epoch, "it could not be renewed in time");
            }
            // A lease that is taken meanwhile is good for longer than this pause.
            let soon = Instant::now() + LOOK_INTERVAL;
            let soonest = Instant::now() + Duration::from_millis(10);
            tokio::time::sleep_until(next.unwrap_or(soon).clamp(soonest, soon)).await;
        }
    }

    fn lose(&self, shard: u16, epoch: Epoch, why: &'static str) {
        {
            let mut state = self.state();
            let Some(ours) = state.ours.get_mut(&shard) else { return };
            if ours.lease.epoch() != epoch || ours.phase == Phase::Lost {
                return;
            }
            ours.lease.end();
            ours.phase = Phase::Lost;
        }
        tracing::error!(shard, epoch, why, "lease lost: closing the sockets of a shard");
        self.publish();
    }

    async fn beat(self: Arc<Self>) {
        let mut ticks = ticks(RENEW_INTERVAL);
        // The first one is told before anything is taken.
        ticks.tick().await;
        while self.close.run_until_cancelled(ticks.tick()).await.is_some() {
            self.tell().await;
        }
    }

    /// Tells the others that this worker lives, and everybody how it is.
    async fn tell(&self) {
        let mut registry = self.registry.lock().await;
        registry.1 += 1;
        let counter = registry.1;
        let worker = registry.0.worker(self.state().draining);
        match timeout(REQUEST_TIMEOUT, self.rows.beat(&worker, counter)).await {
            Ok(Ok(())) => {
                self.last_heartbeat.send_replace(Some(worker.last_heartbeat_at));
            }
            Ok(Err(error)) => log("this worker's heartbeat could not be written", &error),
            Err(_) => tracing::warn!("this worker's heartbeat could not be written in time"),
        }
    }

    /// Tells the connector what it is to serve.
    fn publish(&self) {
        let served = || {
            let state = self.state();
            let held = state.ours.iter().filter(|(_, ours)| ours.phase == Phase::Held);
            held.map(|(shard, ours)| (*shard, ours.lease.clone())).collect::<BTreeMap<_, _>>()
        };
        self.held.send_if_modified(|held| {
            let now = served();
            let same = held.len() == now.len()
                && held.iter().zip(&now).all(|((a, x), (b, y))| (a, x.epoch()) == (b, y.epoch()));
            *held = now;
            !same
        });
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn ticks(every: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

fn log(what: &'static str, error: &StoreError) {
    tracing::warn!(error = error as &dyn std::error::Error, "{what}");
}
