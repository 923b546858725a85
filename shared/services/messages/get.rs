//! One message.

use serde::Serialize;
use utoipa::ToSchema;

use super::identity::in_its_chat;
use crate::{
    domain::{
        ids::{DeviceId, MessageId},
        jid::Server,
        message::{Direction, Message},
        receipts::Receipts,
    },
    services::{Context, Error, Scope},
    store::{messages, receipts},
};

/// A message, and for one that a device sent to a group, who has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct WithReceipts {
    /// The message.
    #[serde(flatten)]
    pub message: Message,
    /// Whose phones have it and who read it; of messages to groups only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipts: Option<Receipts>,
}

/// One message of one of the caller's devices.
pub async fn get(
    ctx: &Context,
    scope: &Scope,
    device: DeviceId,
    id: MessageId,
) -> Result<WithReceipts, Error> {
    let tenant = scope.tenant();
    let message = messages::get(&ctx.db, tenant, device, id).await?.filter(|_| scope.sees(device));
    let message = in_its_chat(ctx, tenant, message.ok_or_else(|| Error::not_found("message"))?).await?;
    let is_told = message.direction == Direction::Outgoing && message.chat.server() == Server::Group;
    let receipts = match is_told {
        true => Some(receipts::get(&ctx.db, tenant, device, &id.wa_message_id()).await?),
        false => None,
    };
    Ok(WithReceipts { message, receipts })
}
