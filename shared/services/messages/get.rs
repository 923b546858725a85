//! One message.

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
    messages::get(&ctx.db, caller.tenant(), device, id).await?.ok_or_else(|| Error::not_found("message"))
}
