//! Messages that arrived and could not be opened, until they have come again.

use super::{CommitError, SessionStore, rows::RowName};

pub(crate) use super::rows::MissingMessage;

/// So many are remembered; the oldest is forgotten for a newer one.
const MAX_MISSING: usize = 1024;

impl SessionStore {
    /// Those that have not come yet, the oldest first.
    pub(crate) fn missing(&self) -> Vec<MissingMessage> {
        self.read(|image| image.missing.clone())
    }

    /// Remembers a message, or how often it has been asked for.
    ///
    /// # Errors
    /// [`CommitError`]: it is not durable.
    pub(crate) async fn remember_missing(&self, message: MissingMessage) -> Result<(), CommitError> {
        self.commit(|image, touched| {
            match image.missing.iter_mut().find(|known| known.id == message.id) {
                Some(known) => *known = message,
                None => image.missing.push(message),
            }
            let excess = image.missing.len().saturating_sub(MAX_MISSING);
            image.missing.drain(..excess);
            touched.now.insert(RowName::Missing);
        })
        .await
    }

    /// Forgets messages that have come, or will not come.
    ///
    /// # Errors
    /// [`CommitError`]: that is not durable, and they may be asked for once more.
    pub(crate) async fn forget_missing(&self, id: &str) -> Result<(), CommitError> {
        self.commit(|image, touched| {
            image.missing.retain(|known| known.id != id);
            touched.later.insert(RowName::Missing);
        })
        .await
    }
}
