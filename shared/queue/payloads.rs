//! What lies in the queues. A payload names its kind and version; a consumer reads every version that may
//! still be on its way.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{OfTenant, QueueKind};
use crate::{
    clock::Timestamp,
    domain::{
        command::SocketCommand,
        device::Device,
        event::{Event, NewEvent},
        ids::{BlockId, CommandId, DeliveryId, DeviceId, MessageId, TenantId, WebhookId},
        jid::Jid,
        message::{Message, Priority, is_first},
        stored::word,
        webhook::Trigger,
    },
};

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
    /// What a lane needs to know of it beforehand. Entries of earlier versions lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<SendTurnV1>,
    /// Something that was accepted before has lost its entry: the lane is to look into the outbox first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub after_gap: bool,
}

impl SendMessageV1 {
    /// The entry of a message of `device` that was accepted, or asked for again, at `queued_at`.
    pub fn of(device: &Device, message: &Message, queued_at: Timestamp) -> Self {
        let turn = SendTurnV1 {
            priority: message.priority,
            queued_at,
            expires_at: message.expires_at,
            chat: message.chat.clone(),
            send_rules: device.send_rules,
            link_generation: message.link_generation,
        };
        Self {
            account_id: device.account_id,
            device_id: device.id,
            message_id: message.id,
            turn: Some(turn),
            after_gap: device.outbox_gap.is_some(),
        }
    }
}

/// What decides when a message's turn is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SendTurnV1 {
    /// Whether it waits behind others.
    #[serde(default, deserialize_with = "word", skip_serializing_if = "Priority::is_normal")]
    pub priority: Priority,
    /// When it was accepted, or asked for again.
    pub queued_at: Timestamp,
    /// When it is given up.
    pub expires_at: Option<Timestamp>,
    /// To whom it goes.
    pub chat: Jid,
    /// The device's [`Device::send_rules`] when it was accepted: it goes by these or later ones.
    #[serde(default)]
    pub send_rules: u32,
    /// Which of the device's numbers it goes out from; see [`Message::link_generation`].
    #[serde(default, skip_serializing_if = "is_first")]
    pub link_generation: u32,
}

/// In `commands-<shard>`: something new about a device. Its kind is an open set: a connector may be older than the
/// function that sent it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommandPayload {
    /// [`SocketCommand::KIND`] of a question, or [`CommandPayload::DEVICE_CHANGED`].
    pub kind: String,
    /// The tenant.
    pub account_id: TenantId,
    /// The device.
    pub device_id: DeviceId,
    /// The row that takes the answer. Without one, all there is to do is in the device's row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command_id: Option<CommandId>,
    /// The fields of the question.
    #[serde(flatten)]
    pub input: Map<String, Value>,
}

impl CommandPayload {
    /// The owner's wish for a device changed: look at its row.
    pub const DEVICE_CHANGED: &'static str = "device_changed.v1";

    /// A device's row changed.
    pub fn device_changed(account_id: TenantId, device_id: DeviceId) -> Self {
        let kind = Self::DEVICE_CHANGED.into();
        Self { kind, account_id, device_id, command_id: None, input: Map::new() }
    }

    /// A question to a device's socket; the row `command_id` takes the answer.
    ///
    /// # Errors
    /// The question is none that JSON can say.
    pub fn question<C: SocketCommand>(
        command_id: CommandId,
        device: &Device,
        command: &C,
    ) -> Result<Self, serde_json::Error> {
        Ok(Self {
            kind: C::KIND.into(),
            account_id: device.account_id,
            device_id: device.id,
            command_id: Some(command_id),
            input: serde_json::from_value(serde_json::to_value(command)?)?,
        })
    }
}

/// In `events.fifo`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum EventsPayload {
    /// First version.
    #[serde(rename = "events.v1")]
    V1(EventsV1),
}

impl OfTenant for EventsPayload {
    fn tenant(&self) -> TenantId {
        let Self::V1(block) = self;
        block.account_id
    }
}

/// Events of one tenant, in their order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventsV1 {
    /// The tenant.
    pub account_id: TenantId,
    /// By which a block that comes twice is recognised.
    pub block_id: BlockId,
    /// It may have come before, at this moment or later: whoever sent it could not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maybe_since: Option<Timestamp>,
    /// What happened.
    pub events: Vec<NewEvent>,
}

/// In `deliveries` and `slow-deliveries`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum DeliveryPayload {
    /// First version.
    #[serde(rename = "webhook_delivery.v1")]
    V1(DeliveryV1),
}

impl OfTenant for DeliveryPayload {
    fn tenant(&self) -> TenantId {
        let Self::V1(delivery) = self;
        delivery.account_id
    }
}

/// A try to deliver an event to a webhook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryV1 {
    /// The tenant.
    pub account_id: TenantId,
    /// The webhook. Whether it still wants anything is in the table.
    pub webhook_id: WebhookId,
    /// The delivery.
    pub delivery_id: DeliveryId,
    /// Why there is one.
    pub trigger: Trigger,
    /// What is delivered.
    pub event: Event,
    /// The number of the try; the first is 1.
    pub attempt: u32,
    /// Not to be made earlier than this.
    pub not_before: Timestamp,
    /// Whether it lies in the queue for slow receivers.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub slow: bool,
}

impl DeliveryV1 {
    /// The queue that it belongs into.
    pub fn queue(&self) -> QueueKind {
        if self.slow { QueueKind::SlowDeliveries } else { QueueKind::Deliveries }
    }
}

#[cfg(test)]
#[path = "payloads_tests.rs"]
mod tests;
