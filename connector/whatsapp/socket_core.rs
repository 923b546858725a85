//! What a socket and the task that runs it share.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use whatsapp_rust::{
    Client,
    bot::{Bot, BotHandle},
};

use super::{current_client::CurrentClient, endpoint::Endpoint, listener::Sinks, state::StateCell};
use crate::session_store::SessionStore;

pub(super) struct SocketCore {
    pub endpoint: Arc<Endpoint>,
    pub keys: Arc<SessionStore>,
    pub state: StateCell,
    pub sinks: Sinks,
    /// The session wants the socket closed.
    pub closing: CancellationToken,
    /// Nothing can come any more.
    pub closed: CancellationToken,
    pub client: CurrentClient,
}

impl SocketCore {
    pub fn client(&self) -> Arc<Client> {
        self.client.get()
    }

    /// Starts a client and makes it the socket's.
    pub fn start(&self, bot: Bot) -> BotHandle {
        self.client.set(bot.client());
        bot.spawn()
    }
}
