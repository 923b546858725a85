//! The life of a socket: runs the library's client, follows what becomes of its connection, and starts another
//! round of QR codes when one is over.

use std::sync::Arc;

use tokio::{sync::mpsc, time::Instant};
use whatsapp_rust::{bot::BotHandle, types::events::Event, wacore::pair_code::PairCodeUtils};

use super::{End, Inbox, SocketState, client, socket_core::SocketCore, translate::next_state};

/// WhatsApp hands out so many QR codes at a time.
const CODES_PER_ROUND: u32 = 6;

pub(super) struct Pump {
    pub socket: Arc<SocketCore>,
    pub inbox: Arc<dyn Inbox>,
}

/// How a run of the client ended.
enum RunEnd {
    /// Nobody scanned.
    Unscanned,
    /// Anything else; the state says why.
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
    pub(super) async fn run(self, handle: BotHandle, events: mpsc::Receiver<Arc<Event>>) {
        let end = self.run_rounds(handle, events).await;
        // Unless it is known already why.
        self.socket.state.enter(SocketState::Over(end));
    }

    async fn run_rounds(&self, mut handle: BotHandle, mut events: mpsc::Receiver<Arc<Event>>) -> End {
        let mut codes = Codes::default();
        for round in 1.. {
            match self.run_client(handle, events, &mut codes).await {
                RunEnd::Over => break,
                RunEnd::Unscanned if self.socket.closing.is_cancelled() => break,
                RunEnd::Unscanned
                    if round >= self.socket.endpoint.config.qr_rounds || codes.shown >= self.max_codes() =>
                {
                    return End::QrExhausted;
                }
                RunEnd::Unscanned => codes.over = false,
            }
            let SocketCore { endpoint, keys, sinks, .. } = &*self.socket;
            match client::build(endpoint, keys.clone(), self.inbox.clone(), sinks.clone()).await {
                Ok((bot, next_events)) => {
                    handle = self.socket.start(bot);
                    events = next_events;
                    if self.socket.closing.is_cancelled() {
                        // Asked for while there was no client to tell.
                        self.socket.client().disconnect().await;
                    }
                }
                Err(error) => {
                    tracing::error!(%error, "no other round of QR codes");
                    return End::QrExhausted;
                }
            }
        }
        End::Stopped
    }

    async fn run_client(
        &self,
        mut handle: BotHandle,
        mut events: mpsc::Receiver<Arc<Event>>,
        codes: &mut Codes,
    ) -> RunEnd {
        codes.waits_until = None;
        loop {
            let patience = codes.waits_until;
            tokio::select! {
                // What was reported before the end comes before the end.
                biased;
                Some(event) = events.recv() => self.handle(&event, codes).await,
                () = async { tokio::time::sleep_until(patience.unwrap_or_else(Instant::now)).await }, if patience.is_some() => {
                    codes.waits_until = None;
                    codes.over = true;
                    self.end_client();
                }
                () = &mut handle => break,
            }
        }
        while let Ok(event) = events.try_recv() {
            self.handle(&event, codes).await;
        }
        self.socket.sinks.connection_lost();
        if codes.over { RunEnd::Unscanned } else { RunEnd::Over }
    }

    async fn handle(&self, event: &Event, codes: &mut Codes) {
        let client = self.socket.client();
        match event {
            Event::PairingQrCode(qr) => {
                // The part before the first comma is the server's; the same code may be shown again.
                let reference = qr.code.split(',').next().unwrap_or_default();
                if codes.last != reference {
                    codes.last = reference.to_owned();
                    codes.shown += 1;
                }
                if codes.shown > self.max_codes() {
                    codes.over = true;
                    self.end_client();
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
            _ => {}
        }
        let Some(next) = next_state(&client, &self.socket.state.now(), event) else { return };
        let is_limit = next == SocketState::Over(End::RateLimited);
        self.socket.state.enter(next);
        if is_limit {
            // The library would try again by itself, and not say when.
            self.end_client();
        }
    }

    /// A server that closes the connection early hands out new codes at the next connect, so they are
    /// counted, not only the rounds.
    fn max_codes(&self) -> u32 {
        self.socket.endpoint.config.qr_rounds.saturating_mul(CODES_PER_ROUND)
    }

    /// Ends the client's run, as the library does itself after the last code of a round.
    fn end_client(&self) {
        let client = self.socket.client();
        tokio::spawn(async move { client.disconnect().await });
    }
}
