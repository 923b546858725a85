//! One connector: every shard that it owns, from start to stop.

use std::{collections::HashMap, sync::Arc, time::Duration};

use shared::{crypto::MasterKey, services::Context};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    inbound::KnownContacts,
    ownership::{Epoch, Ownership},
    session_store::{CommitSettings, SessionStores},
    shard::{self, Worker},
    whatsapp::{AddressError, WhatsApp, WhatsAppConfig},
};

/// The longest that a stop waits for sends under way.
const DRAIN: Duration = Duration::from_secs(15);

/// A running connector.
pub struct Connector {
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
    /// Starts serving the shards that `ownership` gives.
    ///
    /// # Errors
    /// [`StartError`] when the configuration is not usable; what goes wrong later is retried and logged.
    pub fn start(
        ctx: Context,
        master_key: &MasterKey,
        whatsapp: WhatsAppConfig,
        ownership: Arc<dyn Ownership>,
    ) -> Result<Self, StartError> {
        let sealer = master_key.sealer("session-keys");
        let keys = SessionStores::new(ctx.db.clone(), sealer, ctx.clock.clone(), CommitSettings::default());
        let worker =
            Worker { ctx, keys, whatsapp: WhatsApp::new(whatsapp)?, contacts: KnownContacts::default() };
        let stop = CancellationToken::new();
        let task = tokio::spawn(serve(worker, ownership, stop.clone()));
        Ok(Self { stop, task })
    }

    /// Stops: takes nothing more, finishes the sends under way, closes the sockets and writes the keys.
    pub async fn stop(self) {
        self.stop.cancel();
        if tokio::time::timeout(DRAIN, self.task).await.is_err() {
            tracing::warn!(
                "the connector was still busy when it had to stop; its queue brings the rest back"
            );
        }
    }
}

/// Runs a shard for as long as it is owned.
async fn serve(worker: Worker, ownership: Arc<dyn Ownership>, stop: CancellationToken) {
    let mut held = ownership.held();
    let mut running: HashMap<u16, (Epoch, CancellationToken, JoinHandle<()>)> = HashMap::new();
    loop {
        let wanted = held.borrow_and_update().clone();
        let lost: Vec<u16> = running
            .iter()
            .filter(|(shard, run)| wanted.get(shard) != Some(&run.0))
            .map(|(s, _)| *s)
            .collect();
        for shard in lost {
            if let Some((_, cancel, task)) = running.remove(&shard) {
                cancel.cancel();
                end(shard, task).await;
                ownership.released(shard).await;
            }
        }
        for (shard, epoch) in wanted {
            running.entry(shard).or_insert_with(|| {
                let cancel = stop.child_token();
                let task = tokio::spawn(shard::serve(worker.clone(), shard, epoch, cancel.clone()));
                (epoch, cancel, task)
            });
        }
        tokio::select! {
            () = stop.cancelled() => break,
            changed = held.changed() => if changed.is_err() { break },
        }
    }
    for (shard, (_, cancel, task)) in running {
        cancel.cancel();
        end(shard, task).await;
        ownership.released(shard).await;
    }
}

async fn end(shard: u16, task: JoinHandle<()>) {
    if let Err(error) = task.await {
        tracing::error!(shard, error = &error as &dyn std::error::Error, "a shard ended badly");
    }
}
