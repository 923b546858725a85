//! What groups are called. Messages do not say; so the server is asked once for each group that a socket hears of.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use whatsapp_rust::{Jid, types::events::MessageBatch, wacore_binary::JidExt};

use super::{Inbox, current_client::CurrentClient};

/// How many groups may wait to be asked for. One that finds no room is asked for at its next message.
const MAX_WAITING: usize = 256;

/// How many groups are remembered; then all of them are asked for again.
const MAX_REMEMBERED: usize = 4096;

/// How long the server may take to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// The groups that one socket has heard of. Cheap to clone.
#[derive(Clone)]
pub(super) struct GroupSubjects {
    known: Arc<Mutex<HashSet<Jid>>>,
    unknown: mpsc::Sender<Jid>,
}

impl GroupSubjects {
    /// None yet; what is to be asked for comes out of the other end.
    pub fn new() -> (Self, mpsc::Receiver<Jid>) {
        let (unknown, waiting) = mpsc::channel(MAX_WAITING);
        (Self { known: Arc::default(), unknown }, waiting)
    }

    /// A message came from there, or went there.
    pub fn heard_of(&self, chat: &Jid) {
        if !chat.is_group() {
            return;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_REMEMBERED {
            known.clear();
        }
        if !known.contains(chat) && self.unknown.try_send(chat.clone()).is_ok() {
            known.insert(chat.clone());
        }
    }

    /// The same for each message of a batch, which is stored.
    pub fn heard_in(&self, batch: &MessageBatch) {
        for message in batch.iter() {
            self.heard_of(&message.info.source.chat);
        }
    }

    fn forget(&self, group: &Jid) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(group);
    }
}

/// Asks for the groups that are not known, one after the other, until the socket is closed.
pub(super) async fn ask_all(
    client: CurrentClient,
    inbox: Arc<dyn Inbox>,
    subjects: GroupSubjects,
    mut waiting: mpsc::Receiver<Jid>,
    closed: CancellationToken,
) {
    let asking = async {
        while let Some(group) = waiting.recv().await {
            let client = client.get();
            let groups = client.groups();
            match tokio::time::timeout(ANSWER_TIMEOUT, groups.get_metadata(&group)).await {
                Ok(Ok(metadata)) => inbox.group_subject(group.to_string(), metadata.subject).await,
                Ok(Err(error)) => {
                    tracing::debug!(%error, "it cannot be found out what a group is called");
                    subjects.forget(&group);
                }
                Err(_) => subjects.forget(&group),
            }
        }
    };
    closed.run_until_cancelled(asking).await;
}
