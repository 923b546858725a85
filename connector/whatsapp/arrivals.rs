//! What WhatsApp sends once only: receipts, and messages that come outside the durability hook. They wait in
//! one queue of the socket and are handed to its inbox one by one. While little room is left, nothing more is
//! read from the connection (see [`super::transport`]), so that nothing has to be dropped.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;
use whatsapp_rust::{Client, types::events::Event};

use super::{Inbox, current_client::CurrentClient, inbound, receipt};
use crate::session_store::SessionStore;

/// How much may wait.
const CAPACITY: usize = 2048;

/// Less room than this ends the reading: one read of the connection may bring many stanzas, and others are on
/// their way through the library.
const RESERVED_CAPACITY: usize = 1024;

/// The way in. Cheap to clone.
#[derive(Clone)]
pub(super) struct Arrivals {
    queue: mpsc::Sender<Arc<Event>>,
    taken: Arc<Notify>,
    asks: Arc<AtomicBool>,
}

/// The way out.
pub(super) struct Waiting {
    queue: mpsc::Receiver<Arc<Event>>,
    taken: Arc<Notify>,
    /// Whoever takes out is asking the server something, whose answer must be read.
    asks: Arc<AtomicBool>,
}

/// There is no room left at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

/// Both ends of an empty queue.
pub(super) fn queue() -> (Arrivals, Waiting) {
    let (sender, receiver) = mpsc::channel(CAPACITY);
    let (taken, asks) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
    let arrivals = Arrivals { queue: sender, taken: taken.clone(), asks: asks.clone() };
    (arrivals, Waiting { queue: receiver, taken, asks })
}

impl Arrivals {
    /// Puts an event in. What arrives when the socket has been closed is dropped.
    pub fn put(&self, event: Arc<Event>) -> Result<(), Full> {
        match self.queue.try_send(event) {
            Err(mpsc::error::TrySendError::Full(_)) => Err(Full),
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
        }
    }

    /// Waits until there is room for what a read of the connection may bring.
    pub async fn room(&self) {
        loop {
            let taken = self.taken.notified();
            let has_room = self.queue.capacity() >= RESERVED_CAPACITY || self.queue.is_closed();
            if has_room || self.asks.load(Ordering::Acquire) {
                return;
            }
            taken.await;
        }
    }
}

impl Waiting {
    async fn next(&mut self) -> Option<Arc<Event>> {
        let event = self.queue.recv().await;
        self.taken.notify_waiters();
        event
    }

    /// Does something that needs the connection to be read.
    async fn asking<T>(&self, what: impl Future<Output = T>) -> T {
        self.asks.store(true, Ordering::Release);
        self.taken.notify_waiters();
        let answer = what.await;
        self.asks.store(false, Ordering::Release);
        answer
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.queue.close();
        self.taken.notify_waiters();
    }
}

/// Hands to a socket's inbox what arrives, until the socket is closed and nothing waits any more.
pub(super) async fn hand_over(
    client: CurrentClient,
    keys: Arc<SessionStore>,
    inbox: Arc<dyn Inbox>,
    mut waiting: Waiting,
    closed: CancellationToken,
) {
    let learned = keys.learned();
    loop {
        tokio::select! {
            // What waits goes before the end.
            biased;
            Some(event) = waiting.next() => take(&client.get(), &keys, &*inbox, &waiting, &event).await,
            (pn, lid) = learned.next() => {
                inbox.learned(format!("{pn}@s.whatsapp.net"), format!("{lid}@lid")).await;
            }
            () = closed.cancelled() => return,
        }
    }
}

async fn take(client: &Client, keys: &SessionStore, inbox: &dyn Inbox, waiting: &Waiting, event: &Event) {
    match event {
        Event::Receipt(receipt) => {
            let translated = waiting.asking(receipt::translate(client, keys, receipt)).await;
            if let Some(receipt) = translated {
                inbox.receipt(receipt).await;
            }
        }
        Event::Messages(batch) => {
            let messages = inbound::translate_all(client, &batch.messages).await;
            if !messages.is_empty() {
                inbox.keep(messages).await;
            }
        }
        _ => {}
    }
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;

    impl Arrivals {
        /// Fills the queue until reading stops.
        pub fn fill(&self, event: &Arc<Event>) {
            while self.queue.capacity() >= RESERVED_CAPACITY {
                self.put(event.clone()).unwrap();
            }
        }
    }

    impl Waiting {
        /// Takes one event out.
        pub async fn take_one(&mut self) {
            self.next().await.expect("one waits");
        }
    }

    /// Some event.
    pub fn event() -> Arc<Event> {
        Arc::new(Event::Connected(whatsapp_rust::types::events::Connected::builder().build()))
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::{testing::event, *};

    #[tokio::test]
    async fn reading_ends_while_little_room_is_left_and_nothing_is_lost() {
        let (arrivals, mut waiting) = queue();
        let event = event();
        assert!(arrivals.room().now_or_never().is_some());
        arrivals.fill(&event);
        assert!(arrivals.room().now_or_never().is_none());
        for _ in 1..RESERVED_CAPACITY {
            arrivals.put(event.clone()).expect("what is on its way finds room");
        }
        assert_eq!(arrivals.put(event), Err(Full));
        let reading = {
            let arrivals = arrivals.clone();
            tokio::spawn(async move { arrivals.room().await })
        };
        for _ in 1..RESERVED_CAPACITY {
            tokio::task::yield_now().await;
            assert!(!reading.is_finished());
            waiting.take_one().await;
        }
        waiting.take_one().await;
        reading.await.unwrap();
    }

    #[tokio::test]
    async fn an_answer_that_is_waited_for_is_read_however_little_room_there_is() {
        let (arrivals, waiting) = queue();
        arrivals.fill(&event());
        assert_eq!(waiting.asking(async { arrivals.room().now_or_never() }).await, Some(()));
        assert_eq!(arrivals.room().now_or_never(), None);
    }

    #[tokio::test]
    async fn nobody_waits_for_room_in_a_socket_that_is_gone() {
        let (arrivals, waiting) = queue();
        arrivals.fill(&event());
        let reading = {
            let arrivals = arrivals.clone();
            tokio::spawn(async move { arrivals.room().await })
        };
        tokio::task::yield_now().await;
        drop(waiting);
        reading.await.unwrap();
        assert_eq!(arrivals.put(event()), Ok(()));
    }
}
