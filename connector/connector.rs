//! One connector: every shard that it holds, from start to stop.

use std::{collections::HashMap, sync::Arc, time::Duration};

use shared::{clock::Timestamp, crypto::MasterKey, domain::ids::WorkerId, services::Context};
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
};
use tokio_util::sync::CancellationToken;

use crate::{
    inbound::KnownContacts,
    outbound::Progress,
    ownership::{Lease, Leases, Ownership},
    session_count::SessionCount,
    session_store::{CommitSettings, SessionStores},
    shard,
    whatsapp::{AddressError, WhatsApp, WhatsAppConfig},
    worker::Worker,
};

/// The longest that a stop waits for sends under way.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(15);

/// How long it waits for the last events to be in their queue.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);

/// A running connector.
pub struct Connector {
    id: WorkerId,
    sessions: SessionCount,
    last_heartbeat: watch::Receiver<Option<Timestamp>>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

/// A connector could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// This build must not talk to that server.
    #[error(transparent)]
    Address(#[from] AddressError),
}

impl Connector {
    /// Starts serving its share of the deployment's shards: all of them when no other connector runs.
    ///
    /// # Errors
    /// [`StartError`] when the configuration is not usable; what goes wrong later is retried and logged.
    pub fn start(ctx: Context, master_key: &MasterKey, whatsapp: WhatsAppConfig) -> Result<Self, StartError> {
        let sealer = master_key.sealer("session-keys");
        let keys = SessionStores::new(ctx.db.clone(), sealer, ctx.clock.clone(), CommitSettings::default());
        let rate_limit_pause = whatsapp.rate_limit_pause;
        let connections = Arc::new(WhatsApp::new(whatsapp)?);
        let (contacts, sessions) = (KnownContacts::default(), SessionCount::default());
        let id = WorkerId::generate(ctx.now());
        let (db, shards, clock) = (ctx.db.clone(), ctx.queues.shards(), ctx.clock.clone());
        let ownership = Arc::new(Leases::start(db, shards, id, clock, sessions.clone()));
        let (counted, last_heartbeat) = (sessions.clone(), ownership.last_heartbeat());
        let progress = Progress::start(ctx.clone());
        let worker = Worker { ctx, keys, connections, rate_limit_pause, contacts, sessions, progress };
        let stop = CancellationToken::new();
        let task = tokio::spawn(serve(worker, ownership, stop.clone()));
        Ok(Self { id, sessions: counted, last_heartbeat, stop, task })
    }

    /// By which others know it: another one after each start.
    pub fn id(&self) -> WorkerId {
        self.id
    }

    /// How many sockets it has now.
    pub fn sessions(&self) -> u32 {
        self.sessions.count()
    }

    /// When it last told of itself with success.
    pub fn heartbeats(&self) -> watch::Receiver<Option<Timestamp>> {
        self.last_heartbeat.clone()
    }

    /// Stops: takes nothing more, finishes the sends under way, closes the sockets, writes the keys, and leaves
    /// its shards to others.
    pub async fn stop(self) {
        self.stop.cancel();
        if tokio::time::timeout(DRAIN_TIMEOUT, self.task).await.is_err() {
            tracing::warn!(
                "the connector was still busy when it had to stop; its queue brings the rest back"
            );
        }
    }
}

/// A shard that is served, or being let go.
struct Serving {
    lease: Lease,
    stop: CancellationToken,
}

/// Serves each shard for as long as it is held.
async fn serve(worker: Worker, ownership: Arc<dyn Ownership>, stop: CancellationToken) {
    let mut held = ownership.held();
    let mut serving: HashMap<u16, Serving> = HashMap::new();
    let mut tasks = JoinSet::new();
    loop {
        let wanted = held.borrow_and_update().clone();
        for (shard, running) in &serving {
            if wanted.get(shard).map(Lease::epoch) != Some(running.lease.epoch()) {
                running.stop.cancel();
            }
        }
        for (shard, lease) in wanted {
            // One that is being let go is begun anew when that is done.
            serving.entry(shard).or_insert_with(|| {
                let stop = CancellationToken::new();
                let serving = shard::serve(worker.clone(), lease.clone(), stop.clone());
                tasks.spawn(one(shard, serving, ownership.clone()));
                Serving { lease, stop }
            });
        }
        tokio::select! {
            () = stop.cancelled() => break,
            Some(ended) = tasks.join_next() => if let Ok(shard) = ended { serving.remove(&shard); },
            changed = held.changed() => if changed.is_err() { break },
        }
    }
    ownership.leave().await;
    for running in serving.values() {
        running.stop.cancel();
    }
    while tasks.join_next().await.is_some() {}
    let told = async {
        worker.progress.flush(None).await;
        worker.ctx.emitter.flush().await;
    };
    if tokio::time::timeout(FLUSH_TIMEOUT, told).await.is_err() {
        tracing::warn!("some of what became of messages could not be told before the end");
    }
    ownership.close().await;
}

/// Serves a shard to its end, and gives it back.
async fn one(
    shard: u16,
    serving: impl Future<Output = ()> + Send + 'static,
    ownership: Arc<dyn Ownership>,
) -> u16 {
    if let Err(error) = tokio::spawn(serving).await {
        tracing::error!(shard, error = &error as &dyn std::error::Error, "a shard ended badly");
    }
    ownership.released(shard).await;
    shard
}
