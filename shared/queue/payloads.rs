//! What lies in the queues. A payload names its kind and version; a consumer reads every version that may
//! still be on its way.

use serde::{Deserialize, Serialize};

use crate::domain::ids::{CommandId, DeviceId, MessageId, TenantId};

/// In `sends-<shard>.fifo`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum SendPayload {
    /// First version.
    #[serde(rename = "send_message.v1")]
    V1(SendMessageV1),
}

/// A message to be sent. Its content is in the table, which also says whether it still is to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SendMessageV1 {
    /// The tenant.
    pub account_id: TenantId,
    /// The device that sends.
    pub device_id: DeviceId,
    /// The message.
    pub message_id: MessageId,
}

/// In `commands-<shard>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum CommandPayload {
    /// The owner's wish for a device changed: look at its row.
    #[serde(rename = "device_changed.v1")]
    DeviceChangedV1(DeviceRefV1),
    /// A pairing code is wanted.
    #[serde(rename = "pairing_code.v1")]
    PairingCodeV1(PairingCodeV1),
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceRefV1 {
    /// The tenant.
    pub account_id: TenantId,
    /// The device.
    pub device_id: DeviceId,
}

/// Asks for a code that the owner types on the phone in place of scanning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PairingCodeV1 {
    /// The row that takes the answer.
    pub command_id: CommandId,
    /// The tenant.
    pub account_id: TenantId,
    /// The device to link.
    pub device_id: DeviceId,
    /// The phone's number, digits only.
    pub phone_number: String,
}

impl CommandPayload {
    /// The device that it is about.
    pub fn device(&self) -> (TenantId, DeviceId) {
        match self {
            Self::DeviceChangedV1(of) => (of.account_id, of.device_id),
            Self::PairingCodeV1(of) => (of.account_id, of.device_id),
        }
    }
}
