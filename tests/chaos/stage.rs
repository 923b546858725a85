//! What the tests have in common: a gateway with three connectors, a fleet, a load under way, and its end.

use std::{collections::BTreeSet, time::Duration};

use rand::{SeedableRng, rngs::StdRng};
use serde_json::Value;
use shared::clock::Timestamp;
use tests::{Arrived, Aws, Fleet, Gateway, Ledger, Load, Misbehaviour, Progress, signals, within};
use tokio::{
    sync::{Mutex, MutexGuard},
    time::Instant,
};

/// How soon others must serve what a dead connector served.
pub const TAKEOVER: Duration = Duration::from_secs(15);

/// How soon every device of a dead connector must be connected again: by then its shards have been taken over.
const LOGIN: Duration = Duration::from_secs(5);

/// How soon after a load everything must have come to its end.
pub const SETTLING: Duration = Duration::from_secs(60);

/// Three connectors and their load need the machine for themselves.
static ALONE: Mutex<()> = Mutex::const_new(());

/// A gateway with three connectors and linked devices.
pub struct Stage {
    pub seed: u64,
    pub rng: StdRng,
    pub gateway: Gateway,
    pub fleet: Fleet,
    aws: Option<Aws>,
    began: Instant,
    _alone: MutexGuard<'static, ()>,
}

/// A live worker.
#[derive(Debug, Clone)]
pub struct Worker {
    pub pid: u32,
    pub shards: BTreeSet<u64>,
}

impl Stage {
    /// Sets the stage.
    pub async fn set(devices: usize, receivers: usize, env: &[(&str, &str)]) -> Self {
        Self::build(devices, receivers, env, false).await
    }

    /// The same with a proxy in front of DynamoDB and SQS.
    pub async fn set_with_proxy(devices: usize, receivers: usize, env: &[(&str, &str)]) -> Self {
        Self::build(devices, receivers, env, true).await
    }

    async fn build(devices: usize, receivers: usize, env: &[(&str, &str)], proxy: bool) -> Self {
        let alone = ALONE.lock().await;
        let given = std::env::var("KURIR_CHAOS_SEED").ok().and_then(|text| text.parse().ok());
        let seed = given.unwrap_or_else(|| u64::from(rand::random::<u32>()));
        println!("KURIR_CHAOS_SEED={seed}");
        let mut all = vec![("KURIR_CONNECTORS", "3")];
        all.extend_from_slice(env);
        let aws = if proxy { Some(Aws::start(seed).await) } else { None };
        let gateway = match &aws {
            Some(aws) => aws.gateway(&all).await,
            None => Gateway::start_with(&all).await,
        };
        let fleet = Fleet::link(&gateway, devices, receivers).await;
        let stage = Self {
            seed,
            rng: StdRng::seed_from_u64(seed),
            gateway,
            fleet,
            aws,
            began: Instant::now(),
            _alone: alone,
        };
        stage.balanced().await;
        stage.say(format!("{devices} devices are linked: {:?}", stage.workers().await));
        stage
    }

    /// Tells what happens, for whoever looks into a failure.
    pub fn say(&self, what: impl std::fmt::Display) {
        println!("{:7.2} s  {what}", self.began.elapsed().as_secs_f64());
    }

    /// From now on DynamoDB and SQS misbehave like this.
    pub fn misbehave(&self, how: Misbehaviour) {
        self.say(format!("{how:?}"));
        self.aws.as_ref().expect("a stage with a proxy").proxy.misbehave(how);
    }

    /// What the proxy has counted.
    pub fn counted(&self) -> tests::Counts {
        self.aws.as_ref().expect("a stage with a proxy").proxy.counts()
    }

    /// A load of every device to every receiver.
    pub fn load(&self, name: &str, per_chat: usize, pause: Duration) -> Load {
        Load { name: name.to_owned(), per_chat, pause, seed: self.seed }
    }

    /// Sends a load while something happens to the connectors.
    pub async fn under_load(&mut self, load: &Load, happening: impl AsyncFnOnce(&mut Acts<'_>)) -> Ledger {
        let progress = Progress::default();
        let Self { fleet, gateway, rng, began, .. } = self;
        let mut acts = Acts { gateway, fleet, rng, progress: progress.clone(), began: *began };
        let (ledger, ()) = tokio::join!(fleet.send(load, &progress), happening(&mut acts));
        self.say(format!("all {} messages are accepted", ledger.len()));
        ledger
    }

    /// Waits until everything has arrived, and looks that nothing is wrong with it.
    pub async fn arrives(&self, ledger: &Ledger, patience: Duration) -> Arrived {
        self.arrives_after_crashes(ledger, patience, &[]).await
    }

    /// The same when connectors crashed at these times.
    pub async fn arrives_after_crashes(
        &self,
        ledger: &Ledger,
        patience: Duration,
        crashes: &[Timestamp],
    ) -> Arrived {
        let (gateway, owner) = (&self.gateway, &self.fleet.owner);
        let arrived = ledger.arrives_after_crashes(gateway, owner, patience, crashes).await;
        let Arrived { messages, replayed, unconfirmed, .. } = &arrived;
        self.say(format!("{messages} arrived, {replayed} of them again, {unconfirmed} without a receipt"));
        let stats = self.gateway.api.get("/sandbox/stats").await.expect(200).json;
        assert_eq!(stats["lateMessages"], 0, "sent on sockets whose place another had taken: {stats}");
        arrived
    }

    /// The workers whose processes run.
    pub async fn workers(&self) -> Vec<Worker> {
        workers(&self.gateway).await
    }

    /// Waits until three workers hold all shards, and every one of them has some.
    pub async fn balanced(&self) {
        balanced(&self.gateway).await;
    }
}

/// What can be done to the connectors while a load is under way.
pub struct Acts<'s> {
    pub gateway: &'s Gateway,
    pub fleet: &'s Fleet,
    pub rng: &'s mut StdRng,
    pub progress: Progress,
    began: Instant,
}

impl Acts<'_> {
    /// Tells what happens.
    pub fn say(&self, what: impl std::fmt::Display) {
        println!("{:7.2} s  {what}", self.began.elapsed().as_secs_f64());
    }

    /// Waits until so many messages have been accepted.
    pub async fn accepted(&self, count: usize) {
        let what = format!("{count} messages are accepted");
        within(SETTLING, what, async || (self.progress.accepted() >= count).then_some(())).await;
    }

    /// The live workers that hold shards.
    pub async fn holders(&self) -> Vec<Worker> {
        workers(self.gateway).await.into_iter().filter(|worker| !worker.shards.is_empty()).collect()
    }

    /// Waits until live workers other than those hold all shards, and then until every device has a socket.
    pub async fn taken_over(&self, from: &[u32]) {
        let began = Instant::now();
        let all: BTreeSet<u64> = (0..SHARDS).collect();
        within(TAKEOVER, "others serve its shards", async || {
            let live = workers(self.gateway).await.into_iter().filter(|worker| !from.contains(&worker.pid));
            let held: BTreeSet<u64> = live.flat_map(|worker| worker.shards).collect();
            (held == all).then_some(())
        })
        .await;
        self.say(format!("all shards are served elsewhere after {:?}", began.elapsed()));
        self.connected(TAKEOVER + LOGIN - began.elapsed()).await;
        self.say(format!("all devices are connected after {:?}", began.elapsed()));
    }

    /// Waits until every device has a socket.
    pub async fn connected(&self, patience: Duration) {
        let all = self.fleet.devices.len();
        within(patience, "every device is connected", async || {
            (self.fleet.connected(self.gateway).await == all).then_some(())
        })
        .await;
    }

    /// Waits until three workers share all shards.
    pub async fn balanced(&self) {
        balanced(self.gateway).await;
    }
}

/// As many as `infra/queues.json` says.
const SHARDS: u64 = 4;

async fn workers(gateway: &Gateway) -> Vec<Worker> {
    let read = |worker: &Value| Worker {
        pid: u32::try_from(worker["pid"].as_u64().expect("a pid")).expect("a pid"),
        shards: worker["shards"].as_array().expect("shards").iter().filter_map(Value::as_u64).collect(),
    };
    let known = gateway.workers().await;
    known.iter().map(read).filter(|worker| signals::is_alive(worker.pid)).collect()
}

async fn balanced(gateway: &Gateway) {
    within(SETTLING, "three workers share all shards", async || {
        let live = workers(gateway).await;
        let held: usize = live.iter().map(|worker| worker.shards.len()).sum();
        let busy = live.iter().filter(|worker| !worker.shards.is_empty()).count();
        (held == SHARDS as usize && busy == 3).then_some(())
    })
    .await;
}
