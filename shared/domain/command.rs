//! Commands: what a function asks of a live socket.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::ids::{CommandId, DeviceId, TenantId};
use crate::clock::Timestamp;

/// A question to the connector and, once there is one, its answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Command {
    /// Its id, to ask for the answer with.
    pub id: CommandId,
    /// The tenant that asks.
    pub account_id: TenantId,
    /// The device that is asked about.
    pub device_id: DeviceId,
    /// Waiting, done or failed.
    pub status: CommandStatus,
    /// The answer, when done.
    pub result: Option<Value>,
    /// What went wrong, when failed.
    pub error: Option<CommandFailure>,
    /// When it was asked.
    pub created_at: Timestamp,
}

/// How far a command has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CommandStatus {
    /// Not answered yet.
    Pending,
    /// Answered.
    Done,
    /// Could not be done.
    Failed,
}

/// Why a command could not be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommandFailure {
    /// A stable word for programs.
    pub code: String,
    /// A sentence for people.
    pub message: String,
}
