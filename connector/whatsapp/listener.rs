//! Where the library drops its events: quickly, as it calls from the middle of its work.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::mpsc::{self, error::TrySendError};
use whatsapp_rust::types::events::{Event, EventHandler, EventInterest, EventKind};

use super::acks::{Acks, refusal};

/// Events that may wait to be passed on. Receipts are dropped before the last [`RESERVED`] places are
/// taken, which are for what a session must not miss.
const ROOM: usize = 1024;
const RESERVED: usize = 128;

/// Sorts the library's events: acks to who waits, the rest to the pump.
pub(super) struct Listener {
    acks: Acks,
    connected: Arc<AtomicBool>,
    queue: mpsc::Sender<Arc<Event>>,
}

impl Listener {
    pub(super) fn new(acks: Acks, connected: Arc<AtomicBool>) -> (Self, mpsc::Receiver<Arc<Event>>) {
        let (queue, events) = mpsc::channel(ROOM);
        (Self { acks, connected, queue }, events)
    }

    fn connection_lost(&self) {
        self.connected.store(false, Ordering::Release);
        self.acks.connection_lost();
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
                    self.acks.answer(&ack.id, answer);
                }
                return;
            }
            Event::Receipt(_) if self.queue.capacity() <= RESERVED => {
                tracing::warn!("too many events wait: a receipt is dropped");
                return;
            }
            // The hook stored these.
            Event::Messages(batch) if batch.hook_committed => return,
            Event::Connected(_) => self.connected.store(true, Ordering::Release),
            Event::Disconnected(_)
            | Event::LoggedOut(_)
            | Event::StreamReplaced(_)
            | Event::TemporaryBan(_)
            | Event::ClientOutdated(_)
            | Event::ConnectFailure(_) => self.connection_lost(),
            _ => {}
        }
        // The library's QR timer outlives a socket that was closed: nobody listens then.
        if let Err(TrySendError::Full(_)) = self.queue.try_send(event) {
            tracing::error!("too many events wait: one is dropped");
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
            EventKind::PairingCode,
            EventKind::PairingCodeRefresh,
            EventKind::PairingCodeError,
            EventKind::PairingQrCodesExhausted,
            EventKind::ClientOutdated,
            EventKind::Messages,
            EventKind::Receipt,
            EventKind::ServerAck,
            EventKind::StreamReplaced,
            EventKind::TemporaryBan,
            EventKind::ConnectFailure,
        ])
    }
}
