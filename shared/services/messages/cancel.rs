//! Withdrawing a message that still waits.

use super::identity::in_its_chat;
use crate::{
    domain::{
        ids::{DeviceId, MessageId},
        message::{Message, MessageStatus},
    },
    services::{Context, Error, ErrorCode, Scope},
    store::messages::{self, Advanced, Step},
};

/// Cancels one message of one of the caller's devices. Cancelling it again changes nothing.
///
/// Fails with `not_cancellable` when its turn has come.
pub async fn cancel(ctx: &Context, scope: &Scope, device: DeviceId, id: MessageId) -> Result<Message, Error> {
    if !scope.sees(device) {
        return Err(Error::not_found("message"));
    }
    let step = Step::to(MessageStatus::Cancelled, ctx.now());
    match messages::advance(&ctx.db, scope.tenant(), device, &id.wa_message_id(), step).await? {
        Advanced::Done(message) => in_its_chat(ctx, scope.tenant(), *message).await,
        Advanced::Stale(message) if message.status == MessageStatus::Cancelled => {
            in_its_chat(ctx, scope.tenant(), *message).await
        }
        Advanced::Stale(message) => {
            let status = message.status.as_str();
            let detail = format!("only a queued message can be cancelled; this one is {status}");
            Err(Error::new(ErrorCode::NotCancellable, detail))
        }
        Advanced::Missing => Err(Error::not_found("message")),
    }
}
