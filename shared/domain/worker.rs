//! Workers: the connectors that run.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ids::WorkerId;
use crate::clock::Timestamp;

/// A connector that runs, as it last told of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Worker {
    /// Its id: another one after each start.
    pub id: WorkerId,
    /// The machine that it runs on.
    pub host: String,
    /// Its process there.
    pub pid: u32,
    /// Its version of Kurir.
    pub version: String,
    /// The shards that it holds.
    #[serde(default)]
    #[schema(required = true)]
    pub shards: Vec<u16>,
    /// How many sockets it has open.
    pub sessions: u32,
    /// What it used of the processors between its last two heartbeats, in percent of one core.
    pub cpu: f64,
    /// Its resident memory.
    pub memory_bytes: u64,
    /// When it started.
    pub started_at: Timestamp,
    /// When it last told of itself, by its own clock.
    pub last_heartbeat_at: Timestamp,
    /// Whether it gives its shards to others and takes no more.
    pub draining: bool,
}
