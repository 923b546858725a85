//! Questions to a device's socket: a file each, and the registry of them all. The mechanism around them, which is
//! here, finds the command by its kind, waits for the connection, and writes the answer into the command's row.
//!
//! What an owner wants of a device (to be connected, to be unlinked) is no question: it is in the device's row, and
//! the session works towards it (docs/adr/0003).

mod pairing_code;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::{FutureExt, future::BoxFuture};
use serde_json::Value;
use shared::{
    domain::command::{CommandFailure, RequestPairingCode, SocketCommand},
    queue::payloads::CommandPayload,
    services::{Context, Error},
    store::commands,
};
use tokio::time::{Instant, timeout};

use crate::{
    retry::patiently,
    whatsapp::{CommandError, Connection},
};

/// How long a command waits for a connection to ask through.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(8);

/// How often it looks for one.
const CONNECT_POLL_INTERVAL: Duration = Duration::from_millis(100);

/// How long a command may take in all. A connection's own timeouts are shorter.
const RUN_TIMEOUT: Duration = Duration::from_secs(90);

/// A command as this connector runs it.
#[async_trait]
pub(crate) trait Run: SocketCommand {
    /// Asks WhatsApp. It is called again while that is [`CommandError::NotConnected`], for a while.
    async fn run(&self, connection: &dyn Connection, ctx: &Context) -> Result<Self::Answer, CommandError>;
}

type Runner =
    for<'a> fn(Value, &'a dyn Connection, &'a Context) -> BoxFuture<'a, Result<Value, CommandFailure>>;

/// The registry: what this connector can be asked.
fn runner_of(kind: &str) -> Option<Runner> {
    match kind {
        RequestPairingCode::KIND => Some(run::<RequestPairingCode>),
        _ => None,
    }
}

/// Runs a command through a device's connection and answers its row, if there is one. Without a connection it
/// fails.
pub(crate) async fn answer(ctx: Context, command: CommandPayload, connection: Option<Arc<dyn Connection>>) {
    let Some(id) = command.command_id else { return };
    let (tenant, device) = (command.account_id, command.device_id);
    let answer = match (runner_of(&command.kind), connection) {
        (Some(run), Some(connection)) => {
            let running = run(Value::Object(command.input), &*connection, &ctx);
            let too_late = |_| Err(failure("refused", "WhatsApp did not answer in time"));
            timeout(RUN_TIMEOUT, running).await.unwrap_or_else(too_late)
        }
        (Some(_), None) => Err(failure("not_connecting", "the device could not be connected")),
        (None, _) => {
            // Another connector would hardly get to see it: this one receives the shard's commands.
            tracing::warn!(%device, kind = command.kind, "a command is newer than this connector");
            let message = "the device is served by an older version that cannot do this yet; try again later";
            Err(failure("unsupported", message))
        }
    };
    let write = || async { Ok::<_, Error>(commands::answer(&ctx.db, tenant, id, answer.clone()).await?) };
    if let Err(error) = patiently(write).await {
        let error = &error as &dyn std::error::Error;
        tracing::error!(%device, command = %id, error, "a command could not be answered");
    }
}

fn run<'a, C: Run>(
    input: Value,
    connection: &'a dyn Connection,
    ctx: &'a Context,
) -> BoxFuture<'a, Result<Value, CommandFailure>> {
    async move {
        let unreadable = |error: serde_json::Error| failure("internal", error.to_string());
        let command: C = serde_json::from_value(input).map_err(unreadable)?;
        let deadline = Instant::now() + CONNECT_TIMEOUT;
        loop {
            match command.run(connection, ctx).await {
                Ok(answer) => return serde_json::to_value(answer).map_err(unreadable),
                // The connection has just been opened, or was lost for a moment.
                Err(CommandError::NotConnected) if Instant::now() < deadline => {
                    tokio::time::sleep(CONNECT_POLL_INTERVAL).await;
                }
                Err(error @ CommandError::AlreadyLinked) => {
                    return Err(failure(CommandFailure::ALREADY_CONNECTED, error.to_string()));
                }
                Err(error) => return Err(failure("refused", error.to_string())),
            }
        }
    }
    .boxed()
}

fn failure(code: &str, message: impl Into<String>) -> CommandFailure {
    CommandFailure::new(code, message)
}
