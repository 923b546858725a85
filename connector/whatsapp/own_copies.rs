//! Copies of what the owner sent on the phone or another linked device, of those that cannot be opened.
//!
//! whatsapp-rust 0.7.0 (`message/retry.rs`) gives such a copy up: it takes it off the server's queue and asks
//! nobody. So it is asked for in the library's stead, until it has come, be it over a later connection. The device that
//! sent it seals it anew, and the phone may send what it says.

use std::{
    collections::HashMap,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_util::task::{TaskTracker, task_tracker::TaskTrackerToken};
use whatsapp_rust::{
    Client, NodeBuilder, RetryReason, RetryRequestOptions, anyhow, prelude::MessageInfo,
    types::events::MessageBatch, wacore_binary::Node,
};

use crate::session_store::{MissingMessage, SessionStore};

/// News that may wait.
const CAPACITY: usize = 1024;

/// How often one is asked for, and how long it may then take to come.
const MAX_REQUESTS: u32 = 5;
const ARRIVAL_TIMEOUT: Duration = Duration::from_secs(15);

/// How soon after a failure one is asked for again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// How long one waits that has come again and still cannot be opened; then twice, four times … as long. Both sides
/// begin new sessions meanwhile, which cross, and only so many requests for a message are answered.
const SETTLE_PAUSE: Duration = Duration::from_secs(1);

/// What one client asks for.
pub(super) struct OwnCopies {
    news: mpsc::Sender<News>,
    /// Whether anything is missing.
    any: Arc<AtomicBool>,
    unasked: TaskTracker,
    unnoted: TaskTracker,
}

enum News {
    Missing(MissingMessage, Waits),
    Came(Vec<String>),
}

/// What waits for a missing message.
struct Waits {
    /// Until it has been asked for.
    unasked: TaskTrackerToken,
    /// Until it is written down.
    unnoted: TaskTrackerToken,
}

impl OwnCopies {
    /// Starts asking for what is missing, for as long as the client lives. What has not been asked for yet is in
    /// `unasked`, and what is not written down yet in `unnoted`.
    pub fn start(
        client: Weak<Client>,
        keys: Arc<SessionStore>,
        unasked: TaskTracker,
        unnoted: TaskTracker,
    ) -> Self {
        let (news, told) = mpsc::channel(CAPACITY);
        let any = Arc::new(AtomicBool::new(!keys.missing().is_empty()));
        let asking = Asking { client, keys, any: any.clone(), due: HashMap::new() };
        tokio::spawn(Box::pin(asking.run(told)));
        Self { news, any, unasked, unnoted }
    }

    /// A message cannot be opened. When it is the owner's, it is asked for.
    pub fn miss(&self, info: &MessageInfo) {
        let source = &info.source;
        if !source.is_self_fanout() || source.is_bot_authored_non_bot_chat() {
            return;
        }
        let missing = MissingMessage {
            id: info.id.clone(),
            sender: source.sender.to_string(),
            recipient: source.recipient.as_ref().unwrap_or(&source.chat).to_string(),
            sent_at: info.timestamp.timestamp(),
            asked: 0,
        };
        self.any.store(true, Ordering::Release);
        let waits = Waits { unasked: self.unasked.token(), unnoted: self.unnoted.token() };
        if self.news.try_send(News::Missing(missing, waits)).is_err() {
            tracing::error!("too many copies of what the owner sent cannot be opened: one is lost");
        }
    }

    /// These have come.
    pub fn come(&self, batch: &MessageBatch) {
        if !self.any.load(Ordering::Acquire) {
            return;
        }
        let own = batch.iter().filter(|message| message.info.source.is_from_me);
        let came: Vec<String> = own.map(|message| message.info.id.clone()).collect();
        if !came.is_empty() {
            // When there is no room it is asked for in vain, and known when it comes.
            let _no_room = self.news.try_send(News::Came(came));
        }
    }
}

/// The task that asks.
struct Asking {
    client: Weak<Client>,
    keys: Arc<SessionStore>,
    any: Arc<AtomicBool>,
    /// When each is to be asked for, by id.
    due: HashMap<String, Due>,
}

struct Due {
    at: Instant,
    message: MissingMessage,
    _unasked: Option<TaskTrackerToken>,
}

impl Asking {
    async fn run(mut self, mut told: mpsc::Receiver<News>) {
        for message in self.keys.missing() {
            self.add(message, None);
        }
        loop {
            let next = self.due.values().map(|due| due.at).min();
            tokio::select! {
                // What is missing is written down, also of a client that is gone.
                biased;
                news = told.recv() => match news {
                    Some(News::Missing(mut message, Waits { unasked, unnoted: _until_noted })) => {
                        if let Some(known) = self.due.get(&message.id) {
                            message.asked = known.message.asked;
                        }
                        if let Err(error) = self.keys.remember_missing(message.clone()).await {
                            tracing::warn!(%error, "that a message is missing is not written down");
                        }
                        self.add(message, Some(unasked));
                    }
                    Some(News::Came(ids)) => {
                        for id in ids {
                            self.forget(&id).await;
                        }
                    }
                    None => return,
                },
                () = async { sleep_until(next.unwrap_or_else(Instant::now)).await }, if next.is_some() => {
                    let Some(client) = self.client.upgrade() else { return };
                    self.ask_what_is_due(&client).await;
                }
            }
        }
    }

    fn add(&mut self, message: MissingMessage, unasked: Option<TaskTrackerToken>) {
        let (pause, unasked) = match message.asked {
            0 => (Duration::ZERO, unasked),
            times => (SETTLE_PAUSE * (1 << (times - 1).min(4)), None),
        };
        self.due.insert(message.id.clone(), Due { at: Instant::now() + pause, message, _unasked: unasked });
    }

    async fn forget(&mut self, id: &str) {
        if self.due.remove(id).is_none() {
            return;
        }
        self.any.store(!self.due.is_empty(), Ordering::Release);
        if let Err(error) = self.keys.forget_missing(id).await {
            tracing::debug!(%error, "that a message has come is not written down");
        }
    }

    async fn ask_what_is_due(&mut self, client: &Arc<Client>) {
        let now = Instant::now();
        let due: Vec<String> =
            self.due.iter().filter(|(_, due)| due.at <= now).map(|(id, _)| id.clone()).collect();
        for id in due {
            let Some(due) = self.due.get_mut(&id) else { continue };
            if due.message.asked >= MAX_REQUESTS {
                tracing::error!(
                    "a copy of what the owner sent on another device cannot be opened and does not come again"
                );
                self.forget(&id).await;
                continue;
            }
            due.at = Instant::now() + RETRY_PAUSE;
            if !client.is_logged_in() {
                continue;
            }
            match ask(client, &due.message).await {
                Ok(()) => {
                    due.at = Instant::now() + ARRIVAL_TIMEOUT;
                    due._unasked = None;
                    due.message.asked += 1;
                    let message = due.message.clone();
                    if let Err(error) = self.keys.remember_missing(message).await {
                        tracing::debug!(%error, "that a message was asked for is not written down");
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "a copy of what the owner sent cannot be asked for yet");
                }
            }
        }
    }
}

async fn ask(client: &Arc<Client>, message: &MissingMessage) -> anyhow::Result<()> {
    let options =
        RetryRequestOptions::new().with_reason(RetryReason::NoSession).with_force_include_keys(true);
    client.request_message_retry(&stanza_of(message).as_node_ref(), options).await?;
    Ok(())
}

/// The message's stanza, as far as it is needed to ask for it.
fn stanza_of(message: &MissingMessage) -> Node {
    NodeBuilder::new("message")
        .attr("id", message.id.as_str())
        .attr("from", message.sender.as_str())
        .attr("recipient", message.recipient.as_str())
        .attr("t", message.sent_at)
        .attr("type", "text")
        .build()
}
