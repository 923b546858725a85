//! Where the library drops its events: quickly, as it calls from the middle of its work.

use std::sync::{
    Arc, Weak,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::mpsc::{self, error::TrySendError};
use tokio_util::task::TaskTracker;
use whatsapp_rust::{
    Client, RawNodeLease,
    types::events::{Event, EventHandler, EventInterest, EventKind},
};

use super::{
    acks::{Acks, refusal},
    arrivals::Arrivals,
    group_subjects::GroupSubjects,
    own_copies::OwnCopies,
    own_retries::OwnRetries,
    translate::is_rate_limit,
};

/// Events of the connection that may wait for the pump, which is seldom busy.
const CAPACITY: usize = 256;

/// What all clients of a socket report to, one after the other.
#[derive(Clone)]
pub(super) struct Sinks {
    pub acks: Acks,
    pub connected: Arc<AtomicBool>,
    pub arrivals: Arrivals,
    pub groups: GroupSubjects,
    /// Requests to send something again that came, or are to go, over the connection.
    pub retries: TaskTracker,
    /// Messages that cannot be opened, of which that is not written down yet.
    pub noting: TaskTracker,
}

impl Sinks {
    /// Nothing can be sent any more, and no ack comes.
    pub fn connection_lost(&self) {
        self.connected.store(false, Ordering::Release);
        self.acks.connection_lost();
    }
}

/// Sorts a client's events: acks to who waits, what becomes of the connection to the pump, what arrives to
/// the inbox.
pub(super) struct Listener {
    client: Weak<Client>,
    sinks: Sinks,
    queue: mpsc::Sender<Arc<Event>>,
    own_retries: OwnRetries,
    own_copies: OwnCopies,
    _sees_stanzas: RawNodeLease,
}

impl Listener {
    pub(super) fn new(
        client: &Arc<Client>,
        sinks: Sinks,
        own_retries: OwnRetries,
        own_copies: OwnCopies,
    ) -> (Self, mpsc::Receiver<Arc<Event>>) {
        let (queue, events) = mpsc::channel(CAPACITY);
        let _sees_stanzas = client.acquire_raw_node_forwarding();
        let client = Arc::downgrade(client);
        (Self { client, sinks, queue, own_retries, own_copies, _sees_stanzas }, events)
    }

    /// Ends the connection, before the library has told the server that it has what finds no room: the server
    /// sends it again.
    fn no_room(&self, what: &'static str) {
        tracing::error!(what, "more arrives than a socket can take; it is closed and opened again");
        if let Some(client) = self.client.upgrade() {
            client.signal_shutdown_sync();
        }
    }

    fn to_pump(&self, event: Arc<Event>) {
        // The library's QR timer outlives a socket that was closed: nobody listens then.
        if let Err(TrySendError::Full(_)) = self.queue.try_send(event) {
            self.no_room("events of the connection");
        }
    }
}

impl EventHandler for Listener {
    fn handle_event(&self, event: Arc<Event>) {
        match &*event {
            Event::ServerAck(ack) => {
                if ack.class.as_deref().is_none_or(|class| class == "message") {
                    let answer = match ack.error.as_deref() {
                        None => Ok(ack.timestamp.map(|at| at.timestamp_millis())),
                        Some(code) => Err(refusal(code)),
                    };
                    self.sinks.acks.answer(&ack.id, answer);
                }
            }
            Event::RawNode(stanza) => {
                let Some(client) = self.client.upgrade() else { return };
                if self.own_retries.catch(&client, stanza).is_err() {
                    self.no_room("requests for messages");
                }
                if is_rate_limit(stanza) {
                    self.sinks.connection_lost();
                    self.to_pump(event);
                }
            }
            Event::UndecryptableMessage(message) => self.own_copies.miss(&message.info),
            // The hook stored these.
            Event::Messages(batch) if batch.hook_committed => {
                self.own_copies.come(batch);
                self.sinks.groups.heard_in(batch);
            }
            Event::Receipt(_) | Event::Messages(_) => {
                if let Event::Messages(batch) = &*event {
                    self.own_copies.come(batch);
                }
                if self.sinks.arrivals.put(event).is_err() {
                    self.no_room("receipts and messages");
                }
            }
            Event::Connected(_) => {
                self.sinks.connected.store(true, Ordering::Release);
                self.to_pump(event);
            }
            Event::Disconnected(_)
            | Event::LoggedOut(_)
            | Event::StreamReplaced(_)
            | Event::TemporaryBan(_)
            | Event::ClientOutdated(_)
            | Event::ConnectFailure(_) => {
                self.sinks.connection_lost();
                self.to_pump(event);
            }
            _ => self.to_pump(event),
        }
    }

    fn interest(&self) -> EventInterest {
        EventInterest::of(&[
            EventKind::Connected,
            EventKind::Disconnected,
            EventKind::PairSuccess,
            EventKind::PairError,
            EventKind::LoggedOut,
            EventKind::PairingQrCode,
            EventKind::PairingQrCodesExhausted,
            EventKind::ClientOutdated,
            EventKind::Messages,
            EventKind::UndecryptableMessage,
            EventKind::Receipt,
            EventKind::ServerAck,
            EventKind::RawNode,
            EventKind::StreamReplaced,
            EventKind::TemporaryBan,
            EventKind::ConnectFailure,
        ])
    }
}
