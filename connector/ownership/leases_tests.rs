//! Lease holders that share a table which can be away, under a clock that the test moves.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use shared::{
    clock::{Clock, Timestamp},
    domain::{ids::WorkerId, worker::Worker},
    store::{
        StoreError,
        leases::{Claim, LeaseRow},
        workers::Heartbeat,
    },
};
use tokio::{sync::watch, task::JoinHandle, time::Instant};

use super::{Epoch, Lease, Leases, Ownership, TAKEOVER_AFTER, rows::Rows};
use crate::session_count::SessionCount;

/// The tables of a deployment, as they would be in DynamoDB.
#[derive(Default)]
struct Table {
    leases: BTreeMap<u16, LeaseRow>,
    workers: BTreeMap<WorkerId, Heartbeat>,
}

/// One worker's way to the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum Way {
    #[default]
    Open,
    /// Requests are refused.
    Failing,
    /// Requests are swallowed.
    Hanging,
    /// Requests go through, but their answers are lost.
    Deaf,
}

#[derive(Clone, Default)]
struct Tables {
    table: Arc<Mutex<Table>>,
    way: Arc<Mutex<Way>>,
    began: Arc<OnceLock<Instant>>,
}

/// Tells the time that has passed in the test.
impl Clock for Tables {
    fn now(&self) -> Timestamp {
        let passed = self.began.get_or_init(Instant::now).elapsed();
        Timestamp::from_unix_millis(i64::try_from(passed.as_millis()).unwrap())
    }
}

impl Tables {
    /// The same tables by a way of its own.
    fn own_way(&self) -> Self {
        Self { way: Arc::default(), ..self.clone() }
    }

    fn set(&self, way: Way) {
        *self.way.lock().unwrap() = way;
    }

    async fn ask<T>(&self, what: impl FnOnce(&mut Table) -> T) -> Result<T, StoreError> {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let way = *self.way.lock().unwrap();
        match way {
            Way::Open => Ok(what(&mut self.table.lock().unwrap())),
            Way::Failing => Err(StoreError::Unavailable("away".into())),
            Way::Hanging => std::future::pending().await,
            Way::Deaf => {
                what(&mut self.table.lock().unwrap());
                std::future::pending().await
            }
        }
    }

    fn owners(&self) -> BTreeMap<u16, Option<WorkerId>> {
        self.table.lock().unwrap().leases.iter().map(|(shard, row)| (*shard, row.owner)).collect()
    }

    fn drain(&self, worker: WorkerId) {
        self.table.lock().unwrap().workers.get_mut(&worker).unwrap().draining = true;
    }
}

#[async_trait]
impl Rows for Tables {
    async fn leases(&self) -> Result<Vec<LeaseRow>, StoreError> {
        self.ask(|table| table.leases.values().cloned().collect()).await
    }

    async fn take(&self, shard: u16, me: WorkerId, seen: Option<&LeaseRow>) -> Result<Claim, StoreError> {
        self.ask(|table| {
            if table.leases.get(&shard) != seen {
                return Claim::Refused;
            }
            let (epoch, counter) = seen.map_or((0, 0), |row| (row.epoch, row.counter));
            let row = LeaseRow { shard, owner: Some(me), epoch: epoch + 1, counter: counter + 1 };
            table.leases.insert(shard, row);
            Claim::Done
        })
        .await
    }

    async fn renew(&self, shard: u16, me: WorkerId, epoch: Epoch) -> Result<Claim, StoreError> {
        self.ask(|table| match table.leases.get_mut(&shard) {
            Some(row) if row.owner == Some(me) && row.epoch == epoch => {
                row.counter += 1;
                Claim::Done
            }
            _ => Claim::Refused,
        })
        .await
    }

    async fn release(&self, shard: u16, me: WorkerId, epoch: Epoch) -> Result<Claim, StoreError> {
        self.ask(|table| match table.leases.get_mut(&shard) {
            Some(row) if row.owner == Some(me) && row.epoch == epoch => {
                (row.owner, row.counter) = (None, row.counter + 1);
                Claim::Done
            }
            _ => Claim::Refused,
        })
        .await
    }

    async fn heartbeats(&self) -> Result<Vec<Heartbeat>, StoreError> {
        self.ask(|table| table.workers.values().copied().collect()).await
    }

    async fn beat(&self, worker: &Worker, counter: u64) -> Result<(), StoreError> {
        let (id, last_heartbeat_at) = (worker.id, worker.last_heartbeat_at);
        self.ask(|table| {
            let kept = table.workers.get(&id).is_some_and(|beat| beat.draining);
            let draining = worker.draining || kept;
            table.workers.insert(id, Heartbeat { id, counter, draining, last_heartbeat_at });
        })
        .await
    }

    async fn forget(&self, me: WorkerId) -> Result<(), StoreError> {
        self.ask(|table| _ = table.workers.remove(&me)).await
    }
}

/// How long a connector of these tests takes to let a shard go.
const LETTING_GO: Duration = Duration::from_millis(700);

/// A lease holder with a connector that lets go what it no longer holds.
struct Node {
    id: WorkerId,
    tables: Tables,
    leases: Arc<Leases>,
    held: watch::Receiver<BTreeMap<u16, Lease>>,
    connector: JoinHandle<()>,
}

impl Node {
    fn start(tables: &Tables, n: u8, shards: u16) -> Self {
        let (id, tables) = (WorkerId::derived([n; 32]), tables.own_way());
        let (rows, clock) = (Arc::new(tables.clone()), Arc::new(tables.clone()));
        let leases = Arc::new(Leases::with(rows, shards, id, clock, SessionCount::default()));
        leases.run();
        let held = leases.held();
        let connector = tokio::spawn(connect(leases.clone(), leases.held()));
        Self { id, tables, leases, held, connector }
    }

    /// What it serves, and may.
    fn serves(&self) -> BTreeSet<u16> {
        self.held.borrow().iter().filter(|(_, lease)| lease.holds()).map(|(shard, _)| *shard).collect()
    }

    async fn stop(self) {
        self.leases.leave().await;
        while self.tables.owners().values().any(|owner| *owner == Some(self.id)) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        self.leases.close().await;
        self.connector.abort();
    }
}

async fn connect(leases: Arc<Leases>, mut held: watch::Receiver<BTreeMap<u16, Lease>>) {
    let mut serving = BTreeSet::new();
    while held.changed().await.is_ok() {
        let now: BTreeSet<u16> = held.borrow_and_update().keys().copied().collect();
        for shard in serving.difference(&now).copied() {
            let leases = leases.clone();
            tokio::spawn(async move {
                tokio::time::sleep(LETTING_GO).await;
                leases.released(shard).await;
            });
        }
        serving = now;
    }
}

/// Lets so much time pass while nobody serves what another may serve, too.
async fn pass(nodes: &[&Node], time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut seen = BTreeSet::new();
        for shard in nodes.iter().flat_map(|node| node.serves()) {
            assert!(seen.insert(shard), "shard {shard} has two holders");
        }
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn sizes(nodes: &[&Node]) -> Vec<usize> {
    nodes.iter().map(|node| node.serves().len()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_lone_worker_takes_all_at_once_and_shares_with_those_who_come() {
    let tables = Tables::default();
    let a = Node::start(&tables, 1, 8);
    pass(&[&a], Duration::from_millis(100)).await;
    assert_eq!(sizes(&[&a]), [8]);
    let b = Node::start(&tables, 2, 8);
    let c = Node::start(&tables, 3, 8);
    pass(&[&a, &b, &c], seconds(4)).await;
    assert_eq!(sizes(&[&a, &b, &c]), [3, 3, 2]);
    let before = tables.owners();
    pass(&[&a, &b, &c], seconds(60)).await;
    assert_eq!(tables.owners(), before, "what is settled stays");
}

#[tokio::test(start_paused = true)]
async fn the_shards_of_a_worker_that_dies_are_taken_over_when_ten_seconds_have_passed() {
    let tables = Tables::default();
    let (a, b) = (Node::start(&tables, 1, 4), Node::start(&tables, 2, 4));
    pass(&[&a, &b], seconds(4)).await;
    assert_eq!(sizes(&[&a, &b]), [2, 2]);
    // As a kill does: nothing is written any more.
    b.tables.set(Way::Hanging);
    pass(&[&a], seconds(6)).await;
    assert_eq!(sizes(&[&a]), [2]);
    pass(&[&a], TAKEOVER_AFTER - seconds(6) + seconds(5)).await;
    assert_eq!(sizes(&[&a]), [4]);
}

#[tokio::test(start_paused = true)]
async fn those_who_have_watched_take_over_and_wait_for_nobody_who_came_later() {
    let tables = Tables::default();
    let (a, b) = (Node::start(&tables, 1, 5), Node::start(&tables, 2, 5));
    pass(&[&a, &b], seconds(12)).await;
    a.tables.set(Way::Hanging);
    // Restarted late, and again, each under a new name.
    pass(&[&b], seconds(8)).await;
    let c = Node::start(&tables, 3, 5);
    c.tables.set(Way::Hanging);
    let d = Node::start(&tables, 4, 5);
    let end = Instant::now() + TAKEOVER_AFTER - seconds(8) + seconds(3);
    while sizes(&[&b, &d]).iter().sum::<usize>() < 5 {
        assert!(Instant::now() < end, "{:?}", sizes(&[&b, &d]));
        pass(&[&b, &d], Duration::from_millis(20)).await;
    }
    pass(&[&b, &d], seconds(5)).await;
    assert_eq!(sizes(&[&b, &d]), [3, 2]);
}

#[tokio::test(start_paused = true)]
async fn who_cannot_renew_stops_before_another_may_take_over_and_serves_again_when_it_can() {
    for way in [Way::Failing, Way::Hanging, Way::Deaf] {
        let tables = Tables::default();
        let (a, b) = (Node::start(&tables, 1, 4), Node::start(&tables, 2, 4));
        pass(&[&a, &b], seconds(4)).await;
        b.tables.set(way);
        pass(&[&a, &b], seconds(9)).await;
        assert_eq!(b.serves().len(), 0, "{way:?}");
        pass(&[&a, &b], seconds(60)).await;
        if way != Way::Deaf {
            assert_eq!(sizes(&[&a, &b]), [4, 0], "{way:?}");
        }
        b.tables.set(Way::Open);
        pass(&[&a, &b], seconds(15)).await;
        assert_eq!(sizes(&[&a, &b]), [2, 2], "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_short_outage_costs_nobody_a_shard() {
    for way in [Way::Failing, Way::Hanging, Way::Deaf] {
        let tables = Tables::default();
        let (a, b) = (Node::start(&tables, 1, 4), Node::start(&tables, 2, 4));
        pass(&[&a, &b], seconds(4)).await;
        let before = tables.table.lock().unwrap().leases.values().map(|row| row.epoch).collect::<Vec<_>>();
        for node in [&a, &b] {
            node.tables.set(way);
        }
        pass(&[&a, &b], Duration::from_millis(2500)).await;
        for node in [&a, &b] {
            node.tables.set(Way::Open);
        }
        pass(&[&a, &b], seconds(20)).await;
        let after = tables.table.lock().unwrap().leases.values().map(|row| row.epoch).collect::<Vec<_>>();
        assert_eq!(before, after, "{way:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn everybody_comes_back_after_a_long_outage_without_waiting_for_anybodys_clock() {
    let tables = Tables::default();
    let (a, b) = (Node::start(&tables, 1, 4), Node::start(&tables, 2, 4));
    pass(&[&a, &b], seconds(4)).await;
    for node in [&a, &b] {
        node.tables.set(Way::Failing);
    }
    pass(&[&a, &b], seconds(30)).await;
    assert_eq!(sizes(&[&a, &b]), [0, 0]);
    for node in [&a, &b] {
        node.tables.set(Way::Open);
    }
    pass(&[&a, &b], seconds(3)).await;
    assert_eq!(a.serves().len() + b.serves().len(), 4);
    pass(&[&a, &b], seconds(10)).await;
    assert_eq!(sizes(&[&a, &b]), [2, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_drains_gives_all_and_one_that_stops_leaves_nothing() {
    let tables = Tables::default();
    let (a, b) = (Node::start(&tables, 1, 5), Node::start(&tables, 2, 5));
    pass(&[&a, &b], seconds(4)).await;
    assert_eq!(sizes(&[&a, &b]), [3, 2]);
    tables.drain(a.id);
    pass(&[&a, &b], seconds(4)).await;
    assert_eq!(sizes(&[&a, &b]), [0, 5]);
    // It stays so, whatever the drained one writes of itself.
    pass(&[&a, &b], seconds(30)).await;
    assert_eq!(sizes(&[&a, &b]), [0, 5]);

    let c = Node::start(&tables, 3, 5);
    pass(&[&a, &b, &c], seconds(4)).await;
    assert_eq!(sizes(&[&a, &b, &c]), [0, 3, 2]);
    let began = Instant::now();
    b.stop().await;
    assert!(began.elapsed() < seconds(2), "{:?}", began.elapsed());
    pass(&[&a, &c], seconds(2)).await;
    assert_eq!(sizes(&[&a, &c]), [0, 5]);
    c.stop().await;
    a.stop().await;
    assert!(tables.owners().values().all(Option::is_none));
    assert!(tables.table.lock().unwrap().workers.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_another_has_is_let_go_at_the_next_renewal() {
    let tables = Tables::default();
    let a = Node::start(&tables, 1, 1);
    pass(&[&a], seconds(1)).await;
    let thief = WorkerId::derived([9; 32]);
    {
        let mut table = tables.table.lock().unwrap();
        let row = table.leases.get_mut(&0).unwrap();
        (row.owner, row.epoch, row.counter) = (Some(thief), row.epoch + 1, row.counter + 1);
    }
    pass(&[&a], seconds(4)).await;
    assert_eq!(sizes(&[&a]), [0]);
    // The thief never renews.
    pass(&[&a], seconds(12)).await;
    assert_eq!(sizes(&[&a]), [1]);
    assert_eq!(tables.table.lock().unwrap().leases[&0].epoch, 3);
}
