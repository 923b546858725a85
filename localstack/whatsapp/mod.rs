//! A simulated WhatsApp: a server that real WhatsApp-Web clients link to, and phones that a test or
//! a person plays through a control API.
//!
//! Everything the server does goes through one lock and one saver: a stanza comes in, the world
//! changes in a transaction ([`state::Tx`]), and what the change lets out leaves after it is saved.

pub mod address;
mod adv;
mod bundle;
mod control;
mod crypto;
mod device_list;
pub mod error;
pub mod faults;
mod groups;
mod login;
mod messages;
mod node;
mod noise;
mod notifications;
mod pairing;
mod phone;
mod proto;
mod queue;
mod receipts;
mod socket;
mod sockets;
mod stanza;
mod state;
mod stats;

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Router, routing::get};
use shared::clock::{Clock, SharedClock, SystemClock};
use wacore_libsignal::protocol::KeyPair;

pub use error::SandboxError;
use noise::{ServerIdentity, cert};
use state::{
    Tx, World,
    rows::{ServerRow, keys},
    store::{Batch, Saver},
};

/// The simulated WhatsApp.
pub struct Sandbox {
    world: Mutex<World>,
    saver: Saver,
    clock: SharedClock,
    identity: ServerIdentity,
    root_key: Vec<u8>,
}

impl Sandbox {
    /// Reads the state from `data_dir`, which is created when absent, and starts the saver. Only
    /// one sandbox can have a folder open.
    pub async fn open(data_dir: &Path) -> Result<Arc<Self>, SandboxError> {
        Self::open_with_clock(data_dir, Arc::new(SystemClock)).await
    }

    /// [`Sandbox::open`] with a clock of the caller's.
    pub async fn open_with_clock(data_dir: &Path, clock: SharedClock) -> Result<Arc<Self>, SandboxError> {
        tokio::fs::create_dir_all(data_dir).await?;
        let (saver, rows) = Saver::open(&data_dir.join("whatsapp.sqlite3"))?;
        let (world, server) = state::load(rows)?;
        let server = match server {
            Some(server) => server,
            None => create_server_keys(&saver, clock.as_ref()),
        };
        let root = crypto::pair_from_private(&server.root)?;
        let intermediate = crypto::pair_from_private(&server.intermediate)?;
        let noise: KeyPair = crypto::pair_from_private(&server.noise)?;
        let identity = ServerIdentity {
            private: *noise.private_key.serialize(),
            chain: cert::chain(&root, &intermediate, noise.public_key.public_key_bytes())?,
        };
        let root_key = root.public_key.public_key_bytes().to_vec();
        Ok(Arc::new(Self { world: Mutex::new(world), saver, clock, identity, root_key }))
    }

    /// The WebSocket server, at `GET /ws/chat`.
    pub fn server_router(self: &Arc<Self>) -> Router {
        Router::new().route("/ws/chat", get(socket::upgrade)).with_state(self.clone())
    }

    /// The control API, under `/sandbox`.
    pub fn control_router(self: &Arc<Self>) -> Router {
        control::router(self.clone())
    }

    /// Closes all sockets and saves the state. The sandbox is of no use afterwards.
    pub async fn close(&self) {
        self.apply(|tx| {
            let open: Vec<_> = tx.world.connections.keys().copied().collect();
            open.into_iter().for_each(|connection| tx.close(connection));
        });
        self.saver.close().await;
    }

    /// Changes the world. What the change lets out leaves after it is saved; this does not wait
    /// for that.
    fn apply<R>(&self, change: impl FnOnce(&mut Tx<'_>) -> R) -> R {
        // A panic in a change is a bug; the others go on with what was there.
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tx = Tx::new(&mut world, self.clock.now());
        let outcome = change(&mut tx);
        phone::drain_inbox(&mut tx);
        // Under the lock, so that batches are saved in the order of the changes.
        self.saver.submit(tx.into_batch());
        outcome
    }

    /// Changes the world and waits until the change is saved.
    async fn apply_saved<R>(&self, change: impl FnOnce(&mut Tx<'_>) -> R) -> R {
        let (outcome, saved) = self.apply(|tx| (change(tx), tx.saved()));
        // An error means that the sandbox closes, which saves as well.
        let _ = saved.await;
        outcome
    }
}

fn create_server_keys(saver: &Saver, clock: &dyn Clock) -> ServerRow {
    let private = || crypto::generate_pair().private_key.serialize().to_vec();
    let row = ServerRow { root: private(), intermediate: private(), noise: private() };
    let mut world = World::default();
    let mut tx = Tx::new(&mut world, clock.now());
    tx.put(keys::SERVER.to_owned(), &row);
    let batch: Batch = tx.into_batch();
    saver.submit(batch);
    row
}
