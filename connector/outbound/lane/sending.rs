//! Sending the first message, and what comes of it.

use std::time::Duration;

use shared::{
    domain::{
        message::{Message, MessageStatus, SendFailure},
        pacing::Pacing,
    },
    store::messages::{Advanced, Only, Step},
};

use super::{ACK_GRACE, Lane, Over, unless_poison};
use crate::{
    outbound::{
        backlog::Details,
        outcome::{MAX_ATTEMPTS, MAX_FAILURES, Verdict, judge, slowdown},
    },
    whatsapp::{Connection, SendError},
};

/// How long a message of an unknown kind is left alone; so seldom that it expires before it was begun too often.
const UNTIL_NEWER: Duration = Duration::from_secs(10 * 60);

impl Lane {
    /// Sends the first message, whose turn it is.
    pub(super) async fn send_first(
        &mut self,
        connection: &dyn Connection,
        details: &Details,
    ) -> Result<(), Over> {
        let Some(first) = self.backlog.first() else { return Ok(()) };
        let id = first.id;
        // Whatever the lane believes: a message goes out from its own number, or not at all.
        let only = Only { generation: details.generation, chats: Vec::new() };
        let sending = || Step::to(MessageStatus::Sending, self.worker.ctx.now()).only(only.clone());
        let mark = || self.advance(id, sending());
        let message = match unless_poison(&self.stop, "a message cannot be marked yet", mark).await? {
            Ok(Advanced::Done(message)) => message,
            Err(error) => return self.give_up_first(&error).await,
            Ok(Advanced::Stale(message)) if message.link_generation != details.generation => {
                self.leave_first();
                return Ok(());
            }
            Ok(Advanced::Stale(message)) => {
                self.pass_over(Some(*message)).await;
                return Ok(());
            }
            Ok(Advanced::Missing) => {
                self.pass_over(None).await;
                return Ok(());
            }
        };
        if message.attempts > MAX_ATTEMPTS {
            self.finish_failed(SendFailure::new("internal", "sending it was begun too often")).await;
            return Ok(());
        }
        // The last look before something goes out that only the holder may send.
        if !self.assignment.lease.holds() {
            return Err(Over);
        }
        let to = message.chat.to_string();
        let stopped = async {
            self.stop.cancelled().await;
            tokio::time::sleep(ACK_GRACE).await;
        };
        let outcome = tokio::select! {
            outcome = connection.send(&to, &message.wa_message_id, &message.content) => outcome,
            () = stopped => return Err(Over),
        };
        let (now, pacing) = (self.worker.ctx.now(), self.pacing());
        match outcome {
            Ok(_) => {
                self.slowdowns = 0;
                self.backoff.reset();
                self.ledger.sent(&details.chat, now, &pacing);
                let step = Step::to(MessageStatus::Sent, now);
                let Self { worker, assignment, .. } = self;
                let chat = Some(&message.chat);
                worker
                    .progress
                    .note(assignment.tenant, assignment.device, &message.wa_message_id, step, chat)
                    .await;
                let entry = self.backlog.take_first().and_then(|job| job.entry);
                self.ledger.done(entry, &pacing);
            }
            Err(error) => {
                if error.may_have_been_sent() {
                    self.ledger.went(&details.chat, now, &pacing);
                }
                self.on_failure(&message, &error, &pacing).await;
            }
        }
        Ok(())
    }

    async fn on_failure(&mut self, message: &Message, error: &SendError, pacing: &Pacing) {
        let (device, id) = (self.assignment.device, message.id);
        let failures = self.backlog.first().map_or(0, |job| job.failures + 1);
        match judge(error) {
            Verdict::Wait => self.pause(Duration::from_millis(200)),
            Verdict::Leave => {
                tracing::warn!(message = %id, "a message waits for a connector that knows its kind");
                self.pause(UNTIL_NEWER);
            }
            Verdict::SlowDown => {
                self.slowdowns += 1;
                let pause = slowdown(self.worker.rate_limit_pause, self.slowdowns);
                tracing::warn!(%device, ?pause, "WhatsApp limits the rate of this device; it is silent for a while");
                self.ledger.slow_down(self.worker.ctx.now() + pause);
                self.pause(pause);
            }
            Verdict::Again(_) if failures < MAX_FAILURES => {
                tracing::info!(message = %id, %error, failures, "a send failed; trying again");
                if let Some(job) = self.backlog.first() {
                    job.failures = failures;
                }
                let pause = self.backoff.next();
                self.pause(pause);
            }
            Verdict::Again(failure) | Verdict::GiveUp(failure) => {
                tracing::info!(message = %id, %error, failures, "a send failed for good");
                // Knocking on closed doors is what makes an account suspect, too.
                self.ledger.went(&message.chat, self.worker.ctx.now(), pacing);
                self.finish_failed(failure).await;
            }
        }
    }
}
