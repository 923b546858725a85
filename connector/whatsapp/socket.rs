//! One device's socket.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use shared::domain::content::Content;
use tokio::{sync::watch, task::JoinHandle, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use whatsapp_rust::{
    Client, ClientError, ErrorChainExt, Jid, SendOptions, anyhow,
    pair_code::{PairCodeOptions, PairError},
    wacore::{
        iq::devices::RemoveCompanionDeviceSpec,
        pair_code::{PairCodeError, PairCodeUtils},
    },
    wacore_binary::JidExt,
};

use super::{
    CommandError, Connection, Inbox, OnWhatsApp, OpenError, PairingCode, SendError, Sent, SocketState,
    acks::Acks,
    arrivals, client, content,
    current_client::CurrentClient,
    endpoint::Endpoint,
    group_subjects::{self, GroupSubjects},
    listener::Sinks,
    pump::Pump,
    socket_core::SocketCore,
    state::StateCell,
};
use crate::session_store::SessionStore;

/// How long closing waits for the client to come to its end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(20);

/// How long requests to send something again may still be answered before that.
const RETRIES_TIMEOUT: Duration = Duration::from_secs(2);

/// How long closing then waits for what has arrived to be noted down, which goes on by itself.
const HAND_OVER_TIMEOUT: Duration = Duration::from_secs(2);

/// The socket of one device. Dropping it without [`close`](Connection::close) stops it, but may lose the newest
/// copies of sent messages.
pub struct Socket {
    core: Arc<SocketCore>,
    pump: Mutex<Option<JoinHandle<()>>>,
    arrivals: Mutex<Option<JoinHandle<()>>>,
    /// From the beginning.
    states: watch::Receiver<SocketState>,
}

impl Socket {
    pub(super) async fn open(
        endpoint: Arc<Endpoint>,
        keys: Arc<SessionStore>,
        inbox: Arc<dyn Inbox>,
    ) -> Result<Self, OpenError> {
        let (arrivals, waiting) = arrivals::queue();
        let (groups, unknown_groups) = GroupSubjects::new();
        let sinks = Sinks {
            acks: Acks::default(),
            connected: Arc::new(AtomicBool::new(false)),
            arrivals,
            groups: groups.clone(),
            retries: TaskTracker::new(),
            noting: TaskTracker::new(),
        };
        let (bot, events) = client::build(&endpoint, keys.clone(), inbox.clone(), sinks.clone()).await?;
        let client = CurrentClient::new(bot.client());
        let closed = CancellationToken::new();
        let core = Arc::new(SocketCore {
            endpoint,
            keys: keys.clone(),
            state: StateCell::default(),
            sinks,
            closing: CancellationToken::new(),
            closed: closed.clone(),
            client: client.clone(),
        });
        let states = core.state.watch();
        let handle = core.start(bot);
        let handing_over = arrivals::hand_over(client.clone(), keys, inbox.clone(), waiting, closed.clone());
        let arrivals = tokio::spawn(handing_over);
        tokio::spawn(group_subjects::ask_all(client, inbox.clone(), groups, unknown_groups, closed));
        let pump = tokio::spawn(Pump { socket: core.clone(), inbox }.run(handle, events));
        Ok(Self { core, pump: Mutex::new(Some(pump)), arrivals: Mutex::new(Some(arrivals)), states })
    }

    fn connected_client(&self) -> Result<Arc<Client>, CommandError> {
        if self.is_connected() { Ok(self.core.client()) } else { Err(CommandError::NotConnected) }
    }

    async fn answer<T>(
        &self,
        asked: impl Future<Output = Result<T, CommandError>>,
    ) -> Result<T, CommandError> {
        timeout(self.core.endpoint.config.command_timeout, asked).await.unwrap_or(Err(CommandError::Timeout))
    }
}

#[async_trait]
impl Connection for Socket {
    fn states(&self) -> watch::Receiver<SocketState> {
        self.states.clone()
    }

    fn number(&self) -> Option<String> {
        self.core.client().pn().map(|jid| jid.user.to_string())
    }

    fn is_connected(&self) -> bool {
        self.core.sinks.connected.load(Ordering::Acquire) && self.core.client().is_connected()
    }

    async fn send(&self, to: &str, wa_message_id: &str, content: &Content) -> Result<Sent, SendError> {
        let message = content::to_wire(content).ok_or(SendError::UnknownKind)?;
        let to = recipient(to)?;
        if wa_message_id.is_empty() {
            return Err(SendError::Invalid("the message id is empty".into()));
        }
        if !self.is_connected() {
            return Err(SendError::NotConnected);
        }
        let in_flight = || SendError::Invalid("a message of this id is being sent".into());
        let mut awaited = self.core.sinks.acks.expect(wa_message_id).ok_or_else(in_flight)?;
        let config = &self.core.endpoint.config;
        let client = self.core.client();
        let options = SendOptions::default().with_message_id(wa_message_id);
        let sending = client.send_message_with_options(to.clone(), message, options);
        match timeout(config.command_timeout, sending).await {
            Ok(Ok(_on_the_wire)) => self.core.sinks.groups.heard_of(&to),
            Ok(Err(error)) => return Err(send_error(&error)),
            Err(_) => return Err(SendError::Timeout),
        }
        let answer = timeout(config.ack_timeout, awaited.answer()).await.unwrap_or(Err(SendError::Timeout));
        answer.map(|timestamp| Sent { timestamp })
    }

    async fn request_pairing_code(&self, phone_number: &str) -> Result<PairingCode, CommandError> {
        let client = self.core.client();
        if client.pn().is_some() {
            return Err(CommandError::AlreadyLinked);
        }
        let patience = self.core.endpoint.config.command_timeout;
        client.wait_for_socket(patience).await.map_err(|_| CommandError::NotConnected)?;
        let options = PairCodeOptions { phone_number: phone_number.to_owned(), ..PairCodeOptions::default() };
        let asked =
            timeout(patience, client.pair_with_code(options)).await.map_err(|_| CommandError::Timeout)?;
        let code = asked.map_err(|error| pairing_error(&error))?;
        Ok(PairingCode { code, expires_in: PairCodeUtils::code_validity() })
    }

    async fn mark_read(
        &self,
        chat: &str,
        sender: Option<&str>,
        wa_message_ids: &[&str],
    ) -> Result<(), CommandError> {
        let invalid = |_| CommandError::Invalid("not a JID".into());
        let chat: Jid = chat.parse().map_err(invalid)?;
        let sender: Option<Jid> = sender.map(str::parse).transpose().map_err(invalid)?;
        let client = self.connected_client()?;
        let marked = client.mark_as_read(&chat, sender.as_ref(), wa_message_ids);
        let failed = |error: anyhow::Error| match error.downcast::<ClientError>() {
            Ok(error) => command_error(&error),
            Err(error) => CommandError::Internal(error.to_string()),
        };
        self.answer(async { marked.await.map_err(failed) }).await
    }

    async fn is_on_whatsapp(&self, phone_numbers: &[&str]) -> Result<Vec<OnWhatsApp>, CommandError> {
        let numbers: Vec<Jid> = phone_numbers.iter().map(|number| Jid::pn(*number)).collect();
        let client = self.connected_client()?;
        let contacts = client.contacts();
        let asked = async { contacts.is_on_whatsapp(&numbers).await.map_err(|error| command_error(&error)) };
        let results = self.answer(asked).await?;
        Ok(results
            .into_iter()
            .map(|result| OnWhatsApp {
                pn: result.pn_jid.unwrap_or(result.jid).to_non_ad_string(),
                lid: result.lid.map(|lid| lid.to_non_ad_string()),
                registered: result.is_registered,
            })
            .collect())
    }

    async fn logout(&self) -> Result<(), CommandError> {
        let told = match (self.connected_client(), self.core.client().pn()) {
            (Ok(client), Some(own)) => {
                let request = RemoveCompanionDeviceSpec::new(&own);
                self.answer(async { client.execute(request).await.map_err(|error| command_error(&error)) })
                    .await
            }
            (Err(error), Some(_)) => Err(error),
            // Never linked, so there is nothing to undo.
            (_, None) => Ok(()),
        };
        self.close().await;
        told
    }

    async fn close(&self) {
        self.core.closing.cancel();
        // Whoever lost the lease must be gone at once.
        if self.is_connected() && self.core.keys.are_ours() {
            // The server has been told that these have come.
            self.core.sinks.retries.close();
            let _answered = timeout(RETRIES_TIMEOUT, self.core.sinks.retries.wait()).await;
        }
        self.core.client().disconnect().await;
        let pump = self.pump.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut pump) = pump
            && timeout(CLOSE_TIMEOUT, &mut pump).await.is_err()
        {
            tracing::warn!("a socket did not close in time and is dropped");
            pump.abort();
        }
        self.core.sinks.connection_lost();
        self.core.closed.cancel();
        let arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(arrivals) = arrivals {
            let _noted_down = timeout(HAND_OVER_TIMEOUT, arrivals).await;
        }
        // The server has been told that these have come, too.
        self.core.sinks.noting.close();
        let _noted_down = timeout(HAND_OVER_TIMEOUT, self.core.sinks.noting.wait()).await;
        if let Err(error) = self.core.keys.close().await {
            tracing::error!(%error, "session keys not written at close");
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.core.closing.cancel();
        self.core.closed.cancel();
        self.core.client().signal_shutdown_sync();
        if let Some(pump) = self.pump.get_mut().unwrap_or_else(PoisonError::into_inner) {
            pump.abort();
        }
    }
}

fn recipient(to: &str) -> Result<Jid, SendError> {
    let jid: Jid = to.parse().map_err(|_| SendError::Invalid("the recipient is not a JID".into()))?;
    if jid.user.is_empty() {
        return Err(SendError::Invalid("the recipient is not a JID".into()));
    }
    if jid.is_pn() || jid.is_lid() || jid.is_group() {
        return Ok(jid.to_non_ad());
    }
    if to.ends_with("@c.us") {
        return Ok(Jid::pn(jid.user));
    }
    Err(SendError::Invalid("messages go to people and groups only".into()))
}

fn send_error(error: &whatsapp_rust::SendError) -> SendError {
    use whatsapp_rust::SendError as Library;
    match error {
        Library::InvalidRequest(reason) => SendError::Invalid(reason.clone()),
        Library::NotLoggedIn => SendError::NotConnected,
        error if error.is_transport_unavailable() => SendError::NotConnected,
        error if error.is_timeout() => SendError::Timeout,
        error => match error.server_rejection() {
            Some(rejection) => super::acks::refusal(&rejection.code.to_string()),
            None => SendError::Internal(error.to_string()),
        },
    }
}

fn command_error(error: &(impl std::error::Error + 'static)) -> CommandError {
    if error.is_transport_unavailable() {
        CommandError::NotConnected
    } else if error.is_timeout() {
        CommandError::Timeout
    } else if error.server_rejection().is_some_and(|rejection| rejection.code == 429) {
        CommandError::RateLimited
    } else {
        CommandError::Internal(error.to_string())
    }
}

fn pairing_error(error: &PairError) -> CommandError {
    match error {
        PairError::PairCode(PairCodeError::CodeAlreadyOutstanding { remaining }) => {
            CommandError::PairingCodeOutstanding { remaining: *remaining }
        }
        PairError::PairCode(
            invalid @ (PairCodeError::PhoneNumberRequired
            | PairCodeError::PhoneNumberTooShort
            | PairCodeError::PhoneNumberNotInternational),
        ) => CommandError::Invalid(invalid.to_string()),
        // WhatsApp says `bad-request` to too many requests as well.
        error if error.rejection().is_some_and(|rejection| rejection.is_throttled()) => {
            CommandError::RateLimited
        }
        error => command_error(error),
    }
}
