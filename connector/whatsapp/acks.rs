//! Waiting for the server to acknowledge a message.
//!
//! The library's send is done when the message is on the wire, and stays `Ok` when the server refuses
//! it. What the server says comes as an event with the message's id.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use super::SendError;

/// What the server said of a message: its time (unix, milliseconds) or a refusal.
pub(super) type Answer = Result<Option<i64>, SendError>;

/// The messages of one socket whose answers are awaited.
#[derive(Clone, Default)]
pub(super) struct Acks(Arc<Mutex<HashMap<String, oneshot::Sender<Answer>>>>);

/// One awaited answer; gives up its place when dropped.
pub(super) struct Awaited {
    acks: Acks,
    id: String,
    answer: oneshot::Receiver<Answer>,
}

impl Acks {
    /// To be called before the message is sent. `None` when one with that id is on its way already.
    pub(super) fn expect(&self, id: &str) -> Option<Awaited> {
        let (sender, answer) = oneshot::channel();
        match self.lock().entry(id.to_owned()) {
            Entry::Occupied(_) => return None,
            Entry::Vacant(place) => place.insert(sender),
        };
        Some(Awaited { acks: self.clone(), id: id.to_owned(), answer })
    }

    /// The server answered. Answers that nobody awaits are dropped.
    pub(super) fn answer(&self, id: &str, answer: Answer) {
        if let Some(sender) = self.lock().remove(id) {
            let _gave_up = sender.send(answer);
        }
    }

    /// The connection is gone, and with it all answers.
    pub(super) fn connection_lost(&self) {
        for (_, sender) in self.lock().drain() {
            let _gave_up = sender.send(Err(SendError::Timeout));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, oneshot::Sender<Answer>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Awaited {
    pub(super) async fn answer(&mut self) -> Answer {
        (&mut self.answer).await.unwrap_or(Err(SendError::Timeout))
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        self.acks.lock().remove(&self.id);
    }
}

/// What an ack with this error code means; codes as seen in WhatsApp's nacks and in the library's notes
/// (`take_ack_waiter`): 404 recipient not found, 429 too many.
pub(super) fn refusal(code: &str) -> SendError {
    match code {
        "404" => SendError::NotOnWhatsApp,
        "429" => SendError::RateLimited,
        code => SendError::Refused { code: code.to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_reaches_who_waits_for_it() {
        let acks = Acks::default();
        let mut first = acks.expect("A").unwrap();
        let mut second = acks.expect("B").unwrap();
        assert!(acks.expect("A").is_none(), "one message of an id at a time");
        acks.answer("unknown", Ok(None));
        acks.answer("B", Err(refusal("479")));
        acks.answer("A", Ok(Some(1_700_000_000_000)));
        assert_eq!(first.answer().await, Ok(Some(1_700_000_000_000)));
        assert_eq!(second.answer().await, Err(SendError::Refused { code: "479".into() }));
    }

    #[tokio::test]
    async fn nobody_waits_longer_than_the_connection_lasts() {
        let acks = Acks::default();
        let mut awaited = acks.expect("A").unwrap();
        acks.connection_lost();
        assert_eq!(awaited.answer().await, Err(SendError::Timeout));
        drop(awaited);
        assert!(acks.expect("A").is_some());
    }

    #[test]
    fn giving_up_frees_the_place() {
        let acks = Acks::default();
        drop(acks.expect("A"));
        assert!(acks.lock().is_empty());
    }
}
