//! The life of a socket: runs the library's client, passes its events on, and starts another round
//! of QR codes when one is over.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::mpsc::{self, error::TrySendError},
    time::Instant,
};
use whatsapp_rust::{bot::BotHandle, types::events::Event, wacore::pair_code::PairCodeUtils};

use super::{Inbox, SocketEvent, client, inbound, listener::Listener, socket::Inner, translate::translate};

/// WhatsApp hands out so many QR codes at a time.
const CODES_PER_ROUND: u32 = 6;

pub(super) struct Pump {
    pub socket: Arc<Inner>,
    pub inbox: Arc<dyn Inbox>,
    pub out: mpsc::Sender<SocketEvent>,
    /// Pairs of phone number and LID that the key store learns.
    pub learned: mpsc::Receiver<(String, String)>,
}

/// How a run of the client ended.
enum End {
    /// Nobody scanned.
    Unscanned,
    /// Anything else; its event was passed on.
    Over,
}

/// How far showing QR codes has come.
#[derive(Default)]
struct Codes {
    shown: u32,
    last: String,
    /// All codes were shown, but a pairing code may still be typed in until then.
    waits_until: Option<Instant>,
    over: bool,
}

impl Pump {
    /// Runs until the socket is over, with the client that was started for the first round.
    pub(super) async fn run(mut self, mut handle: BotHandle, mut events: mpsc::Receiver<Arc<Event>>) {
        let mut codes = Codes::default();
        for round in 1.. {
            match self.run_client(handle, events, &mut codes).await {
                End::Over => return,
                End::Unscanned if self.socket.closing.is_cancelled() => return,
                End::Unscanned
                    if round >= self.socket.shared.config.qr_rounds || codes.shown >= self.most_codes() =>
                {
                    self.pass(SocketEvent::QrExhausted).await;
                    return;
                }
                End::Unscanned => codes.over = false,
            }
            let (listener, next_events) =
                Listener::new(self.socket.acks.clone(), self.socket.connected.clone());
            let keys = self.socket.keys.clone();
            match client::build(&self.socket.shared, keys, self.inbox.clone(), listener).await {
                Ok(bot) => {
                    handle = self.socket.start(bot);
                    events = next_events;
                    if self.socket.closing.is_cancelled() {
                        // Asked for while there was no client to tell.
                        self.socket.client().disconnect().await;
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "no other round of QR codes");
                    self.pass(SocketEvent::QrExhausted).await;
                    return;
                }
            }
        }
    }

    async fn run_client(
        &mut self,
        mut handle: BotHandle,
        mut events: mpsc::Receiver<Arc<Event>>,
        codes: &mut Codes,
    ) -> End {
        codes.waits_until = None;
        loop {
            let patience = codes.waits_until;
            tokio::select! {
                // What was reported before the end comes before the end.
                biased;
                Some(event) = events.recv() => self.handle(&event, codes).await,
                Some((pn, lid)) = self.learned.recv() => {
                    let (pn, lid) = (format!("{pn}@s.whatsapp.net"), format!("{lid}@lid"));
                    self.pass(SocketEvent::IdentityLearned { pn, lid }).await;
                }
                () = async { tokio::time::sleep_until(patience.unwrap_or_else(Instant::now)).await }, if patience.is_some() => {
                    codes.waits_until = None;
                    self.stop_showing(codes);
                }
                () = &mut handle => break,
            }
        }
        while let Ok(event) = events.try_recv() {
            self.handle(&event, codes).await;
        }
        self.socket.connection_over();
        if codes.over { End::Unscanned } else { End::Over }
    }

    async fn handle(&mut self, event: &Event, codes: &mut Codes) {
        let client = self.socket.client();
        match event {
            Event::PairingQrCode(qr) => {
                // The part before the first comma is the server's; the same code may be shown again.
                let reference = qr.code.split(',').next().unwrap_or_default();
                if codes.last != reference {
                    codes.last = reference.to_owned();
                    codes.shown += 1;
                }
                if codes.shown > self.most_codes() {
                    self.stop_showing(codes);
                    return;
                }
            }
            Event::PairingQrCodesExhausted(exhausted) => {
                codes.over = exhausted.disconnected;
                if !exhausted.disconnected {
                    codes.waits_until = Some(Instant::now() + PairCodeUtils::code_validity());
                }
            }
            Event::PairSuccess(_) => {
                *codes = Codes::default();
                // The phone believes in the link now, so it must outlive this process.
                if let Err(error) = client.persistence_manager().flush().await {
                    tracing::error!(%error, "the new link is not stored yet");
                }
            }
            Event::Messages(batch) => {
                // Those that the library does not take through the hook, such as messages that the
                // phone sent again on request. WhatsApp does not deliver them a second time.
                if let Err(error) = inbound::store(&*self.inbox, &client, &batch.messages).await {
                    tracing::error!(%error, "messages lost");
                }
            }
            _ => {}
        }
        if let Some(event) = translate(&client, &self.socket.keys, event).await {
            self.pass(event).await;
        }
    }

    /// A server that closes the connection early hands out new codes at the next connect, so they are
    /// counted, not only the rounds.
    fn most_codes(&self) -> u32 {
        self.socket.shared.config.qr_rounds.saturating_mul(CODES_PER_ROUND)
    }

    /// Ends the client's run, as the library does itself after the last code of a round.
    fn stop_showing(&self, codes: &mut Codes) {
        codes.over = true;
        let client = self.socket.client();
        tokio::spawn(async move { client.disconnect().await });
    }

    /// A session that does not listen holds the socket up for a while only, and not at all when it
    /// closes it.
    async fn pass(&self, event: SocketEvent) {
        const PATIENCE: Duration = Duration::from_secs(30);
        let Err(TrySendError::Full(event)) = self.out.try_send(event) else { return };
        tokio::select! {
            sent = self.out.send_timeout(event, PATIENCE) => {
                if sent.is_err() {
                    tracing::warn!("nobody takes a socket's events: one is dropped");
                }
            }
            () = self.socket.closing.cancelled() => {}
        }
    }
}
