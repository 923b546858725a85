//! Commands: what a function asks of a live socket. What is asked and answered is a file here; how it is done is a
//! file in `connector/commands`.

mod pairing_code;

pub use pairing_code::{PairingCode, RequestPairingCode};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use utoipa::ToSchema;

use super::ids::{CommandId, DeviceId, TenantId};
use crate::clock::Timestamp;

/// A question to a device's socket, with the type of its answer.
pub trait SocketCommand: Serialize + DeserializeOwned + Send + Sync {
    /// What the queue calls it, with its version. One whose fields change gets another.
    const KIND: &'static str;
    /// The code of the problem when it could not be done, unless there is one for the reason.
    const REFUSED: &'static str;
    /// What is answered.
    type Answer: Serialize + DeserializeOwned + Send;
}

/// The row of a question to the connector and, once there is one, its answer.
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

impl CommandFailure {
    /// The device is linked already, so there is nothing to link.
    pub const ALREADY_CONNECTED: &'static str = "already_connected";

    /// A failure by its code, and what is said of it.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }
}
