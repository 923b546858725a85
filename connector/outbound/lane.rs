//! A device's lane: takes its messages one at a time, waits for connection and pace, sends, writes down
//! what came of it. A crash anywhere replays under the same WhatsApp id.

use std::{sync::Arc, time::Duration};

use shared::{
    domain::{
        ids::MessageId,
        message::{Content, Message, MessageStatus, SendFailure},
        pacing::Pacing,
    },
    services::Error,
    store::{
        devices,
        messages::{self, Advanced, Step},
    },
};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{
    hold::Hold,
    outcome::{MAX_ATTEMPTS, Verdict, judge},
};
use crate::{
    retry::{Backoff, patiently},
    session::{Open, Place},
    shard::Worker,
    whatsapp::{SendError, Socket},
};

struct Lane {
    worker: Worker,
    place: Place,
    open: Open,
    /// Before that, pacing lets nothing go.
    next_send_at: Option<Instant>,
}

/// How a message left the lane.
enum Left {
    /// Its row says what came of it.
    Done,
    /// It is still to be sent, by whoever serves the shard next.
    Unsent,
}

/// What came of waiting for a message's turn.
enum Turn {
    /// It may go, through this socket.
    Go(Arc<Socket>),
    /// It waited too long.
    Expired,
    /// The device is served no longer.
    Over,
}

/// Runs a device's lane until `stop` or until nobody hands in messages any more.
pub(crate) async fn run(
    worker: Worker,
    place: Place,
    mut sends: mpsc::Receiver<(MessageId, Hold)>,
    open: Open,
    stop: CancellationToken,
) {
    let mut lane = Lane { worker, place, open, next_send_at: None };
    loop {
        let (message, hold) = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            next = sends.recv() => match next {
                Some(next) => next,
                None => break,
            },
        };
        match lane.process(message, &stop).await {
            Ok(Left::Done) => hold.delete().await,
            Ok(Left::Unsent) => hold.give_back().await,
            Err(error) => {
                // The entry comes again when its visibility ends.
                let error = &error as &dyn std::error::Error;
                tracing::warn!(%message, error, "a message could not be handled and will be tried again");
            }
        }
    }
    sends.close();
    while let Some((_, hold)) = sends.recv().await {
        hold.give_back().await;
    }
}

impl Lane {
    async fn process(&mut self, id: MessageId, stop: &CancellationToken) -> Result<Left, Error> {
        let mut backoff = Backoff::default();
        loop {
            let Some(message) = self.read(id).await? else { return Ok(Left::Done) };
            if !matches!(message.status, MessageStatus::Queued | MessageStatus::Sending) {
                return Ok(Left::Done);
            }
            let socket = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(Left::Unsent),
                turn = self.turn(&message) => match turn {
                    Turn::Go(socket) => socket,
                    Turn::Expired => return self.expire(id).await,
                    Turn::Over => return Ok(Left::Unsent),
                },
            };
            let message = match self.advance(id, Step::to(MessageStatus::Sending, self.now())).await? {
                Advanced::Done(message) => message,
                Advanced::Stale(_) | Advanced::Missing => return Ok(Left::Done),
            };
            match self.send(&socket, &message).await {
                Ok(()) => return Ok(Left::Done),
                Err(error) => match judge(&error) {
                    Verdict::Wait => pause(Duration::from_millis(200), stop).await,
                    Verdict::Again(_) if message.attempts < MAX_ATTEMPTS => {
                        tracing::info!(message = %id, %error, attempt = message.attempts, "a send failed; trying again");
                        pause(backoff.next(), stop).await;
                    }
                    Verdict::Again(failure) | Verdict::GiveUp(failure) => {
                        tracing::info!(message = %id, %error, attempt = message.attempts, "a send failed for good");
                        self.advance(id, Step::failed(failure, self.now())).await?;
                        return Ok(Left::Done);
                    }
                },
            }
        }
    }

    /// Waits until the device is connected and pacing lets the message go.
    async fn turn(&mut self, message: &Message) -> Turn {
        let left = message.expires_at.map_or(Duration::MAX, |at| at.since(self.now()));
        let expiry = async {
            match Instant::now().checked_add(left) {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let mut open = self.open.clone();
        let next_send_at = self.next_send_at;
        let ready = async move {
            if let Some(at) = next_send_at {
                tokio::time::sleep_until(at).await;
            }
            // The socket knows first that it is gone; the actor takes it away a moment later.
            loop {
                let Ok(socket) = open.wait_for(Option::is_some).await.map(|socket| socket.clone()) else {
                    return Turn::Over;
                };
                match socket {
                    Some(socket) if socket.is_connected() => return Turn::Go(socket),
                    _ => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
        };
        tokio::select! {
            biased;
            () = expiry => Turn::Expired,
            turn = ready => turn,
        }
    }

    /// Sends, and keeps the pause behind it whatever came of it.
    async fn send(&mut self, socket: &Socket, message: &Message) -> Result<(), SendError> {
        let Content::Text { text } = &message.content else {
            return Err(SendError::Invalid("this kind of message cannot be sent".into()));
        };
        let to = message.chat.to_string();
        let sent = socket.send_text(&to, &message.wa_message_id, &text.body).await;
        if !matches!(sent, Err(SendError::NotConnected)) {
            let delay = self.pacing().await.delay(rand::random());
            self.next_send_at = Some(Instant::now() + delay);
        }
        sent?;
        let step = Step::to(MessageStatus::Sent, self.now());
        // When this fails it is sent all the same: a replay goes out under the same id.
        self.advance(message.id, step).await.map_err(|error| SendError::Internal(error.to_string()))?;
        Ok(())
    }

    async fn pacing(&self) -> Pacing {
        let Place { tenant, device, .. } = self.place;
        match devices::get(&self.worker.ctx.db, tenant, device).await {
            Ok(Some(device)) => device.pacing,
            _ => Pacing::default(),
        }
    }

    async fn expire(&self, id: MessageId) -> Result<Left, Error> {
        let failure = SendFailure::new("expired", "the message could not be sent before it expired");
        self.advance(id, Step::failed(failure, self.now())).await?;
        Ok(Left::Done)
    }

    async fn read(&self, id: MessageId) -> Result<Option<Message>, Error> {
        let Place { tenant, device, .. } = self.place;
        patiently(|| async { Ok(messages::get(&self.worker.ctx.db, tenant, device, id).await?) }).await
    }

    async fn advance(&self, id: MessageId, step: Step) -> Result<Advanced, Error> {
        let Place { tenant, device, .. } = self.place;
        let derived = id.wa_message_id();
        let db = &self.worker.ctx.db;
        patiently(|| async { Ok(messages::advance(db, tenant, device, &derived, step.clone()).await?) }).await
    }

    fn now(&self) -> shared::clock::Timestamp {
        self.worker.ctx.now()
    }
}

/// A pause that a stop cuts short.
async fn pause(pause: Duration, stop: &CancellationToken) {
    let _cut_short = tokio::time::timeout(pause, stop.cancelled()).await;
}
