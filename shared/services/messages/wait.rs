//! Waiting for a message to be sent.

use std::time::Duration;

use super::get;
use crate::{
    domain::message::{Message, MessageStatus},
    services::{Context, Error, Scope},
};

/// The longest that a request waits.
pub const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// The message once it is sent or has failed, or as it is after `patience` (at most [`LONGEST_WAIT`]).
pub async fn wait(
    ctx: &Context,
    scope: &Scope,
    message: Message,
    patience: Duration,
) -> Result<Message, Error> {
    let deadline = tokio::time::Instant::now() + patience.min(LONGEST_WAIT);
    let mut message = message;
    while matches!(message.status, MessageStatus::Queued | MessageStatus::Sending)
        && tokio::time::Instant::now() < deadline
    {
        tokio::time::sleep(Duration::from_millis(200)).await;
        message = get(ctx, scope, message.device_id, message.id).await?.message;
    }
    Ok(message)
}
