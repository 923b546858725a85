//! Linking by a code that is typed on the phone.

use std::time::Duration;

use shared::{
    domain::command::CommandFailure,
    queue::payloads::PairingCodeV1,
    secret::Secret,
    services::{Error, devices::PairingCode},
    store::commands,
};
use tokio::time::Instant;

use super::Actor;
use crate::{
    retry::patiently,
    whatsapp::{CommandError, Connection},
    worker::Worker,
};

/// How long a pairing code waits for a socket to ask through.
const PAIRING_PATIENCE: Duration = Duration::from_secs(8);

impl Actor {
    /// Asks WhatsApp for a pairing code beside the event loop, and answers the command's row.
    pub(super) async fn pairing_code(&mut self, asked: PairingCodeV1) {
        if self.live.is_none() {
            self.look().await;
        }
        let socket = self.live.as_ref().map(|live| live.connection.clone());
        let worker = self.worker.clone();
        tokio::spawn(async move {
            let answer = match socket {
                Some(socket) => request_code(&*socket, &asked.phone_number, &worker).await,
                None => Err(failure("not_connecting", "the device could not be connected".into())),
            };
            let answer = answer.and_then(|code| {
                serde_json::to_value(code).map_err(|error| failure("internal", error.to_string()))
            });
            let write = || async {
                let answer = answer.clone();
                Ok::<_, Error>(
                    commands::answer(&worker.ctx.db, asked.account_id, asked.command_id, answer).await?,
                )
            };
            if let Err(error) = patiently(write).await {
                let error = &error as &dyn std::error::Error;
                tracing::error!(command = %asked.command_id, error, "a command could not be answered");
            }
        });
    }
}

async fn request_code(
    socket: &dyn Connection,
    phone_number: &str,
    worker: &Worker,
) -> Result<PairingCode, CommandFailure> {
    let deadline = Instant::now() + PAIRING_PATIENCE;
    loop {
        match socket.request_pairing_code(phone_number).await {
            Ok(code) => {
                let expires_at = worker.ctx.now() + code.expires_in;
                return Ok(PairingCode { code: Secret::new(code.code), expires_at });
            }
            // The socket has just been opened.
            Err(CommandError::NotConnected) if Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Err(CommandError::AlreadyLinked) => {
                return Err(failure("already_connected", "the device is already linked".into()));
            }
            Err(error) => return Err(failure("refused", error.to_string())),
        }
    }
}

fn failure(code: &str, message: String) -> CommandFailure {
    CommandFailure { code: code.into(), message }
}
