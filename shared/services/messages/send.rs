//! Accepting a message to be sent: one conditional put, then the queue. The table is the outbox; the queue
//! only says when.

use std::time::Duration;

use serde::Serialize;

use super::{enqueue::enqueue, identity::chat_of};
use crate::{
    clock::Timestamp,
    crypto,
    domain::{
        chat::Chat,
        content::Content,
        ids::{DeviceId, MessageId},
        jid::Jid,
        message::{Direction, Message, MessageStatus, Priority},
        plan::Meter,
    },
    queue::payloads::SendMessageV1,
    services::{Context, Error, ErrorCode, Invalid, Scope, devices},
    store::{
        chats,
        messages::{self, Inserted},
    },
};

/// How long a message waits for its turn when nothing else is said.
const DEFAULT_EXPIRES_AFTER: Duration = Duration::from_secs(24 * 3600);

/// What is to be sent.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewMessage {
    /// A number in E.164 with or without `+`, or a JID.
    pub to: String,
    /// What it holds.
    #[serde(flatten)]
    pub content: Content,
    /// When to give up if still unsent; a day from now when not given.
    pub expires_at: Option<Timestamp>,
    /// Whether it may wait behind others.
    pub priority: Priority,
}

/// Accepts a message. With the same idempotency key and the same input, the message that was made the
/// first time is the answer.
///
/// Fails with `validation_failed` or `idempotency_key_reused`.
pub async fn send(
    ctx: &Context,
    scope: &Scope,
    device: DeviceId,
    input: NewMessage,
    idempotency_key: Option<&str>,
) -> Result<Message, Error> {
    let device = devices::get(ctx, scope, device).await?;
    let now = ctx.now();
    let request_hash = idempotency_key
        .map(|_| serde_json::to_vec(&input).map(|json| hex::encode(crypto::digest_of(&[&json]))))
        .transpose()
        .map_err(Error::internal)?;
    let to = check(&input, idempotency_key, now)?;
    let chat = chat_of(ctx, device.link(), to).await?;
    let id = match idempotency_key {
        Some(key) => MessageId::of_idempotent_send(scope.tenant(), device.id, key),
        None => MessageId::generate(now),
    };
    let accepted_before = async || match idempotency_key {
        Some(_) => Ok::<_, Error>(messages::get(&ctx.db, scope.tenant(), device.id, id).await?.is_some()),
        None => Ok(false),
    };
    if !accepted_before().await? {
        match scope.allowance.spend(ctx, &[Meter::Messages]).await {
            // The same request may have taken the last one of the allowance meanwhile.
            Err(error)
                if matches!(error.code, ErrorCode::RateLimited | ErrorCode::QuotaExceeded)
                    && accepted_before().await? => {}
            spent => spent?,
        }
    }
    let message = Message {
        id,
        device_id: device.id,
        chat,
        sender: None,
        from_name: None,
        direction: Direction::Outgoing,
        content: input.content,
        status: MessageStatus::Queued,
        wa_message_id: id.wa_message_id(),
        link_generation: device.generation,
        priority: input.priority,
        attempts: 0,
        error: None,
        created_at: now,
        expires_at: Some(input.expires_at.unwrap_or(now + DEFAULT_EXPIRES_AFTER)),
        sent_at: None,
        delivered_at: None,
        read_at: None,
    };
    let (tenant, shard, retention) = (scope.tenant(), device.shard, scope.retention(ctx));
    let inserted =
        messages::insert_outgoing(&ctx.db, tenant, &message, shard, request_hash.clone(), retention);
    let inserted = inserted.await?;
    if let Inserted::Existing { .. } = inserted {
        // Of several at once, the one that came first is counted.
        scope.allowance.give_back(ctx).await?;
    }
    let message = match inserted {
        Inserted::New => message,
        Inserted::Existing { request_hash: earlier, .. } if earlier != request_hash => {
            let detail = "this Idempotency-Key was used before with another request";
            return Err(Error::new(ErrorCode::IdempotencyKeyReused, detail));
        }
        // The first try may have been cut off before the queue: SQS drops the copy if it was not.
        Inserted::Existing { message, .. } => *message,
    };
    if message.status == MessageStatus::Queued {
        let entry = SendMessageV1::of(&device, &message, message.created_at);
        let chat = Chat::showing(&message);
        let ((), shown) = tokio::join!(
            enqueue(ctx, &device, ctx.queues.send_message(device.shard, &entry)),
            chats::touch(&ctx.db, message.link(tenant), &chat, retention),
        );
        // It is accepted all the same: the next message shows the chat.
        if let Err(error) = shown {
            tracing::warn!(message = %message.id, error = &error as &dyn std::error::Error, "not in its chat yet");
        }
    }
    Ok(message)
}

/// To whom it goes, when everything is valid.
fn check(input: &NewMessage, key: Option<&str>, now: Timestamp) -> Result<Jid, Error> {
    let mut invalid = Invalid::default();
    if let Some(key) = key {
        let good = (1..=255).contains(&key.len()) && key.chars().all(|c| c.is_ascii_graphic());
        invalid.unless(good, "Idempotency-Key", "key_invalid", "1 to 255 visible ASCII characters");
    }
    let to = invalid.take(Jid::parse_recipient(&input.to), "to", "phone_invalid");
    let in_future = input.expires_at.is_none_or(|at| at > now);
    invalid.unless(in_future, "expiresAt", "in_the_past", "a message must expire in the future");
    input.content.validate(&mut invalid);
    Ok(invalid.finish(to)?)
}
