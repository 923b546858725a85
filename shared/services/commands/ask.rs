//! Asking the connector and waiting a bounded time for the answer.

use std::time::Duration;

use crate::{
    domain::{
        command::{Command, CommandStatus},
        device::Device,
        ids::CommandId,
    },
    queue::payloads::CommandPayload,
    services::{Context, Error},
    store::commands,
};

/// How long a request waits for the connector.
pub const PATIENCE: Duration = Duration::from_secs(10);

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// What came of asking.
#[derive(Debug, Clone)]
pub enum Answer<T> {
    /// The connector answered in time.
    Ready(T),
    /// Not yet: the command can be asked for by its id.
    Pending(CommandId),
}

/// Puts a command for a device and waits for its row to be answered.
pub(in crate::services) async fn ask(
    ctx: &Context,
    device: &Device,
    payload: impl FnOnce(CommandId) -> CommandPayload,
) -> Result<Answer<Command>, Error> {
    let now = ctx.now();
    let id = CommandId::generate(now);
    let command = Command {
        id,
        account_id: device.account_id,
        device_id: device.id,
        status: CommandStatus::Pending,
        result: None,
        error: None,
        created_at: now,
    };
    commands::create(&ctx.db, &command).await?;
    ctx.queues.send_command(device.shard, &payload(id)).await?;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let mut pause = FIRST_PAUSE;
    while tokio::time::Instant::now() < deadline {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
        if let Some(command) = commands::get(&ctx.db, device.account_id, id).await?
            && command.status != CommandStatus::Pending
        {
            return Ok(Answer::Ready(command));
        }
    }
    Ok(Answer::Pending(id))
}
