//! Waiting for the first message's turn: for its device to be connected, and for pacing.

use std::{sync::Arc, time::Duration};

use shared::{
    domain::{
        message::{Message, MessageStatus},
        pacing::{Limit, Turn},
    },
    store::messages,
};
use tokio::time::Instant;

use super::{Lane, Over, SendPolicy, sleep_until, unless_poison};
use crate::{outbound::backlog::Details, whatsapp::Connection};

/// What a waiting lane does next.
pub(super) enum Next {
    /// Send the first message through this connection.
    Go(Arc<dyn Connection>),
    /// The first message waited too long.
    Expired,
    /// The first message is for another number than the device has now.
    OtherNumber,
    /// Something changed: look again.
    Again,
}

impl Lane {
    /// What decides about the first message's turn. None when it is not to be sent any more.
    pub(super) async fn details(&mut self) -> Result<Option<Details>, Over> {
        let Some(first) = self.backlog.first() else { return Ok(None) };
        if let Some(details) = &first.details {
            return Ok(Some(details.clone()));
        }
        let (id, db, assignment) = (first.id, &self.worker.ctx.db, &self.assignment);
        let read = || async { Ok(messages::get(db, assignment.tenant, assignment.device, id).await?) };
        let message = match unless_poison(&self.stop, "a message cannot be read yet", read).await? {
            Ok(message) => message,
            Err(error) => {
                self.give_up_first(&error).await?;
                return Ok(None);
            }
        };
        let waits = |m: &Message| matches!(m.status, MessageStatus::Queued | MessageStatus::Sending);
        match message {
            Some(message) if waits(&message) => {
                let details = Details::from(&message);
                if let Some(first) = self.backlog.first() {
                    first.details = Some(details.clone());
                }
                Ok(Some(details))
            }
            other => {
                self.pass_over(other).await;
                Ok(None)
            }
        }
    }

    /// Whether the first message's time is over by its row, which knows better than an old queue entry.
    pub(super) async fn is_expired(&mut self) -> Result<bool, Over> {
        let rules = self.backlog.first().and_then(|job| job.details.take()).map(|details| details.send_rules);
        let Some(details) = self.details().await? else { return Ok(false) };
        if let Some(first) = self.backlog.first() {
            first.details = Some(Details { send_rules: rules.unwrap_or_default(), ..details.clone() });
        }
        let now = self.worker.ctx.now();
        Ok(details.expires_at.is_some_and(|at| at <= now))
    }

    /// Waits until the device is connected and pacing lets the first message go.
    pub(super) async fn wait(&mut self, details: &Details) -> Result<Next, Over> {
        let now = self.worker.ctx.now();
        let policy = self.channels.policy.borrow_and_update().clone();
        let open = self.channels.open.borrow_and_update().clone();
        if let Some(rules) = policy.rules()
            && rules.number >= details.send_rules
            && rules.generation != details.generation
        {
            return Ok(Next::OtherNumber);
        }
        let left = details.expires_at.map(|at| at.since(now));
        if left == Some(Duration::ZERO) {
            return Ok(Next::Expired);
        }
        let turn = match &policy {
            SendPolicy::Open(rules) if rules.number >= details.send_rules => {
                Some(self.ledger.turn(&rules.pacing, &details.chat, now))
            }
            // It was accepted under rules that are not known here yet.
            SendPolicy::Open(..) => {
                self.channels.look.notify_one();
                None
            }
            _ => None,
        };
        // A recipient that has had enough for now holds up nobody else.
        let enough = turn.filter(|turn| turn.limit == Some(Limit::PerRecipient)).map(|turn| turn.at);
        if let Some(until) = self.backlog.aside_of(&details.chat).max(enough) {
            let until = details.expires_at.map_or(until, |expiry| expiry.min(until));
            if self.backlog.set_first_aside(until) {
                return Ok(Next::Again);
            }
        }
        let stall_at = self.stall_when_due();
        let not_before = self.not_before.filter(|at| *at > Instant::now());
        let mut look_again = not_before;
        let own = open.filter(|open| open.generation == details.generation).map(|open| open.connection);
        match (turn, own) {
            (Some(Turn { limit: None, .. }), Some(connection)) if not_before.is_none() => {
                if connection.is_connected() {
                    self.waiting_since = None;
                    self.stalled = false;
                    return Ok(Next::Go(connection));
                }
                // The connection knows first that it is gone; the actor takes it away a moment later.
                look_again = Some(Instant::now() + Duration::from_millis(50));
            }
            (Some(turn), _) if turn.limit.is_some() => {
                self.ledger.waits(turn, now);
                // The clock counts in milliseconds: not before the one that is meant.
                let pause = turn.at.since(now) + Duration::from_millis(1);
                look_again = Instant::now().checked_add(pause).max(not_before);
            }
            _ => {}
        }
        let expiry = left.and_then(|left| Instant::now().checked_add(left));
        let due = self.ledger.due(false);
        let aside = self.next_aside();
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Over),
            order = self.channels.orders.recv() => match order {
                // A direct message goes before the bulk message that waits here.
                Some(order) => { self.take_in(order); Ok(Next::Again) }
                None => Err(Over),
            },
            changed = self.channels.policy.changed() => changed.map(|()| Next::Again).map_err(|_| Over),
            changed = self.channels.open.changed() => changed.map(|()| Next::Again).map_err(|_| Over),
            () = sleep_until(look_again) => Ok(Next::Again),
            () = sleep_until(expiry) => Ok(Next::Again),
            () = sleep_until(aside) => Ok(Next::Again),
            () = sleep_until(stall_at) => Ok(Next::Again),
            () = sleep_until(due) => Ok(Next::Again),
        }
    }
}
