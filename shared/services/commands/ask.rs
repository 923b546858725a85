//! Asking the connector and waiting a bounded time for the answer.

use std::time::Duration;

use crate::{
    domain::{
        command::{Command, CommandFailure, CommandStatus, SocketCommand},
        device::Device,
        ids::CommandId,
    },
    queue::payloads::CommandPayload,
    services::{Context, Error, ErrorCode},
    store::commands,
};

/// How long a request waits for the connector.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_millis(500);

/// What came of asking.
#[derive(Debug, Clone)]
pub enum Answer<T> {
    /// The connector answered in time.
    Ready(T),
    /// Not yet: the command can be asked for by its id.
    Pending(CommandId),
}

/// Asks a device's socket and waits for the answer.
pub(in crate::services) async fn ask<C: SocketCommand>(
    ctx: &Context,
    device: &Device,
    command: &C,
) -> Result<Answer<C::Answer>, Error> {
    let now = ctx.now();
    let id = CommandId::generate(now);
    let row = Command {
        id,
        account_id: device.account_id,
        device_id: device.id,
        status: CommandStatus::Pending,
        result: None,
        error: None,
        created_at: now,
    };
    let payload = CommandPayload::question(id, device, command).map_err(Error::internal)?;
    commands::create(&ctx.db, &row).await?;
    ctx.queues.send_command(device.shard, &payload).await?;
    let deadline = tokio::time::Instant::now() + ANSWER_TIMEOUT;
    let mut pause = FIRST_PAUSE;
    while tokio::time::Instant::now() < deadline {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
        if let Some(answered) = commands::get(&ctx.db, device.account_id, id).await?
            && answered.status != CommandStatus::Pending
        {
            return read::<C>(answered).map(Answer::Ready);
        }
    }
    Ok(Answer::Pending(id))
}

fn read<C: SocketCommand>(answered: Command) -> Result<C::Answer, Error> {
    let failure = match (answered.result, answered.error) {
        (Some(result), _) => return serde_json::from_value(result).map_err(Error::internal),
        (None, Some(failure)) => failure,
        (None, None) => return Err(Error::internal("a command is answered with nothing")),
    };
    let code = match failure.code.as_str() {
        CommandFailure::ALREADY_CONNECTED => ErrorCode::AlreadyConnected,
        _ => ErrorCode::named(C::REFUSED).unwrap_or(ErrorCode::Internal),
    };
    Err(Error::new(code, failure.message))
}
