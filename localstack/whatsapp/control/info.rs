//! The root key and the counters.

use std::sync::Arc;

use axum::{Json, extract::State};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;

use crate::whatsapp::{Sandbox, stats::Stats as Counters};

/// The public key (32 bytes) at the root of the certificate chain, in two spellings.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RootKey {
    root_key: String,
    base64: String,
}

/// `GET /sandbox/root-key`.
pub async fn root_key(State(sandbox): State<Arc<Sandbox>>) -> Json<RootKey> {
    let key = &sandbox.root_key;
    Json(RootKey { root_key: hex::encode(key), base64: STANDARD.encode(key) })
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Linked clients that are logged in.
    connected_clients: usize,
    /// Clients that wait to be linked.
    waiting_clients: usize,
    #[serde(flatten)]
    counters: Counters,
}

/// `GET /sandbox/stats`.
pub async fn stats(State(sandbox): State<Arc<Sandbox>>) -> Json<Stats> {
    Json(sandbox.apply(|tx| {
        let connections = tx.world.connections.values();
        let connected_clients = connections.filter(|connection| connection.client.is_some()).count();
        Stats {
            connected_clients,
            waiting_clients: tx.world.connections.len() - connected_clients,
            counters: tx.world.stats.clone(),
        }
    }))
}
