//! A WhatsApp that does what the test says.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use shared::domain::content::Content;
use tokio::sync::watch;

use crate::{
    session_store::SessionStore,
    whatsapp::{
        CommandError, Connection, ConnectionFactory, End, Identity, Inbox, Linked, OnWhatsApp, OpenError,
        PairingCode, SendError, Sent, SocketState,
    },
};

/// The number that phones have in tests, unless another is named.
pub(crate) const NUMBER: &str = "6281234567890";

/// Opens connections and remembers them.
pub(crate) struct FakeWhatsApp {
    opened: watch::Sender<Vec<Arc<FakeConnection>>>,
    /// Whether no connection can be opened.
    refusing: AtomicBool,
}

/// One connection, in the hands of the test.
pub(crate) struct FakeConnection {
    /// Where goes what arrives; none when no session has opened it.
    inbox: Option<Arc<dyn Inbox>>,
    state: watch::Sender<SocketState>,
    states: watch::Receiver<SocketState>,
    script: Mutex<Script>,
    closed: watch::Sender<bool>,
}

#[derive(Default)]
struct Script {
    sent: Vec<Text>,
    /// What becomes of the next sends; afterwards all are taken.
    sends: VecDeque<Result<(), SendError>>,
    /// How long WhatsApp takes to acknowledge.
    ack_delay: Duration,
    /// What is answered to the next commands; afterwards there is a code.
    commands: VecDeque<CommandError>,
    asked: Vec<String>,
    logged_out: bool,
}

/// A text that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    pub to: String,
    pub id: String,
    pub body: String,
}

/// A phone with that number.
pub(crate) fn linked_to(number: &str) -> Linked {
    let identity =
        Identity { pn: Some(format!("{number}@s.whatsapp.net")), lid: Some(format!("9{number}@lid")) };
    Linked { identity, push_name: Some("Ani".into()) }
}

impl FakeWhatsApp {
    pub(super) fn new() -> Self {
        Self { opened: watch::Sender::new(Vec::new()), refusing: AtomicBool::new(false) }
    }

    /// Has every attempt to open a connection fail from now on, or none.
    pub fn set_refusing(&self, refusing: bool) {
        self.refusing.store(refusing, Ordering::Relaxed);
    }

    /// How many connections were opened so far.
    pub fn count(&self) -> usize {
        self.opened.borrow().len()
    }

    /// The `nth` connection (from 1), once it is opened.
    pub async fn connection(&self, nth: usize) -> Arc<FakeConnection> {
        let mut opened = self.opened.subscribe();
        let opened = opened.wait_for(|all| all.len() >= nth).await.expect("it is there");
        opened[nth - 1].clone()
    }
}

#[async_trait]
impl ConnectionFactory for FakeWhatsApp {
    async fn open(
        &self,
        _: Arc<SessionStore>,
        inbox: Arc<dyn Inbox>,
    ) -> Result<Arc<dyn Connection>, OpenError> {
        if self.refusing.load(Ordering::Relaxed) {
            return Err(OpenError::Library("no connection today".into()));
        }
        let connection = Arc::new(FakeConnection::new(Some(inbox)));
        self.opened.send_modify(|all| all.push(connection.clone()));
        Ok(connection)
    }
}

impl FakeConnection {
    /// One that no session has opened.
    pub fn detached() -> Arc<Self> {
        Arc::new(Self::new(None))
    }

    fn new(inbox: Option<Arc<dyn Inbox>>) -> Self {
        let (state, states) = watch::channel(SocketState::Connecting { linked: None, reason: None });
        Self { inbox, state, states, script: Mutex::default(), closed: watch::Sender::new(false) }
    }

    /// The connection is something else now.
    pub fn becomes(&self, state: SocketState) {
        self.state.send_replace(state);
    }

    /// The session's inbox.
    pub fn inbox(&self) -> &dyn Inbox {
        self.inbox.as_deref().expect("a session opened it")
    }

    /// It is logged in with that number.
    pub fn connects_as(&self, number: &str) {
        self.becomes(SocketState::Connected(linked_to(number)));
    }

    /// It is over.
    pub fn ends(&self, end: End) {
        self.becomes(SocketState::Over(end));
    }

    /// The next sends come to this; those after them are taken.
    pub fn next_sends(&self, outcomes: impl IntoIterator<Item = Result<(), SendError>>) {
        self.script().sends.extend(outcomes);
    }

    /// Acknowledges sends only after that long.
    pub fn set_ack_delay(&self, delay: Duration) {
        self.script().ack_delay = delay;
    }

    /// The next commands fail so; those after them are answered.
    pub fn next_commands(&self, failures: impl IntoIterator<Item = CommandError>) {
        self.script().commands.extend(failures);
    }

    /// What was sent so far, whatever became of it.
    pub fn sent(&self) -> Vec<Text> {
        self.script().sent.clone()
    }

    /// The texts of what was sent so far.
    pub fn texts(&self) -> Vec<String> {
        self.script().sent.iter().map(|text| text.body.clone()).collect()
    }

    /// The numbers that pairing codes were asked for.
    pub fn asked(&self) -> Vec<String> {
        self.script().asked.clone()
    }

    pub fn is_logged_out(&self) -> bool {
        self.script().logged_out
    }

    pub fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    /// Waits until it is closed.
    pub async fn closed(&self) {
        let mut closed = self.closed.subscribe();
        let _closed = closed.wait_for(|closed| *closed).await;
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Connection for FakeConnection {
    fn states(&self) -> watch::Receiver<SocketState> {
        self.states.clone()
    }

    fn number(&self) -> Option<String> {
        None
    }

    fn is_connected(&self) -> bool {
        !self.is_closed() && matches!(*self.state.borrow(), SocketState::Connected(_))
    }

    async fn send(&self, to: &str, wa_message_id: &str, content: &Content) -> Result<Sent, SendError> {
        let (outcome, ack_delay) = {
            let mut script = self.script();
            let text = Text { to: to.into(), id: wa_message_id.into(), body: content.preview() };
            script.sent.push(text);
            (script.sends.pop_front().unwrap_or(Ok(())), script.ack_delay)
        };
        tokio::time::sleep(ack_delay).await;
        outcome.map(|()| Sent { timestamp: None })
    }

    async fn request_pairing_code(&self, phone_number: &str) -> Result<PairingCode, CommandError> {
        let mut script = self.script();
        script.asked.push(phone_number.into());
        match script.commands.pop_front() {
            Some(failure) => Err(failure),
            None => Ok(PairingCode { code: "ABCD1234".into(), expires_in: Duration::from_secs(180) }),
        }
    }

    async fn mark_read(&self, _: &str, _: Option<&str>, _: &[&str]) -> Result<(), CommandError> {
        Ok(())
    }

    async fn is_on_whatsapp(&self, phone_numbers: &[&str]) -> Result<Vec<OnWhatsApp>, CommandError> {
        let known = |number: &&str| OnWhatsApp {
            pn: format!("{number}@s.whatsapp.net"),
            lid: None,
            registered: true,
        };
        Ok(phone_numbers.iter().map(known).collect())
    }

    async fn logout(&self) -> Result<(), CommandError> {
        let connected = self.is_connected();
        self.script().logged_out = connected;
        self.close().await;
        if connected { Ok(()) } else { Err(CommandError::NotConnected) }
    }

    async fn close(&self) {
        self.closed.send_replace(true);
    }
}
