//! One message.

use super::identity::in_its_chat;
use crate::{
    domain::{
        ids::{DeviceId, MessageId},
        message::Message,
    },
    services::{Caller, Context, Error},
    store::messages,
};

/// One message of one of the caller's devices.
pub async fn get(ctx: &Context, caller: &Caller, device: DeviceId, id: MessageId) -> Result<Message, Error> {
    let found = messages::get(&ctx.db, caller.tenant(), device, id).await?;
    in_its_chat(ctx, caller.tenant(), found.ok_or_else(|| Error::not_found("message"))?).await
}
