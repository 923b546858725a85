//! Whether a connector on this machine is well: it notes each heartbeat that it could write to DynamoDB in a small
//! file, and `connector --healthcheck` reads when that was.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use shared::clock::{Clock, SystemClock, Timestamp};
use tokio::sync::watch;

/// How old a note may be. A connector writes its heartbeat every 3 s.
const MAX_HEARTBEAT_AGE: Duration = Duration::from_secs(30);

/// The note.
#[derive(Debug, Clone)]
pub struct HealthFile(PathBuf);

/// A connector is not well, or there is none.
#[derive(Debug, thiserror::Error)]
pub enum Unwell {
    /// No note.
    #[error("no connector has noted a heartbeat in {0}: {1}")]
    NoNote(PathBuf, io::Error),
    /// Something else lies there.
    #[error("{0} is no note of a heartbeat")]
    Unreadable(PathBuf),
    /// Too long ago.
    #[error("the last heartbeat was {0} s ago")]
    Old(u64),
}

impl HealthFile {
    /// Where `KURIR_HEALTH_FILE` says, or else in the folder for temporary files.
    pub fn from_env() -> Self {
        let named = std::env::var_os("KURIR_HEALTH_FILE").filter(|path| !path.is_empty());
        Self(named.map_or_else(|| std::env::temp_dir().join("kurir-connector-heartbeat"), PathBuf::from))
    }

    /// Whether the note is fresh.
    ///
    /// # Errors
    /// [`Unwell`], which says why not.
    pub fn check(&self) -> Result<(), Unwell> {
        self.check_at(SystemClock.now())
    }

    fn check_at(&self, now: Timestamp) -> Result<(), Unwell> {
        let text = std::fs::read_to_string(&self.0).map_err(|error| Unwell::NoNote(self.0.clone(), error))?;
        let noted: Timestamp = text.trim().parse().map_err(|_| Unwell::Unreadable(self.0.clone()))?;
        // A clock that was set back makes a note of the future, until the next one.
        let age = now.since(noted).max(noted.since(now));
        if age < MAX_HEARTBEAT_AGE { Ok(()) } else { Err(Unwell::Old(age.as_secs())) }
    }

    /// Notes each heartbeat until there are no more of them.
    pub async fn keep(self, mut heartbeats: watch::Receiver<Option<Timestamp>>) {
        let mut failing = false;
        while heartbeats.changed().await.is_ok() {
            let Some(at) = *heartbeats.borrow_and_update() else { continue };
            match self.note(at).await {
                Ok(()) => failing = false,
                Err(error) if !std::mem::replace(&mut failing, true) => {
                    let file = self.0.display();
                    tracing::warn!(%error, %file, "heartbeats cannot be noted: --healthcheck will say no (KURIR_HEALTH_FILE)");
                }
                Err(_) => {}
            }
        }
        // It ended in order: nobody is well here any more.
        let _gone = tokio::fs::remove_file(&self.0).await;
    }

    /// Whole or not at all: somebody may read meanwhile.
    async fn note(&self, at: Timestamp) -> io::Result<()> {
        let fresh = with_ending(&self.0, "new");
        tokio::fs::write(&fresh, at.to_string()).await?;
        tokio::fs::rename(&fresh, &self.0).await
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_heartbeat_is_good_for_half_a_minute() {
        let folder = tempfile::tempdir().unwrap();
        let file = HealthFile(folder.path().join("heartbeat"));
        let now = Timestamp::from_unix_millis(1_790_000_000_000);
        assert!(matches!(file.check_at(now), Err(Unwell::NoNote(..))));
        file.note(now).await.unwrap();
        file.check_at(now + Duration::from_secs(29)).unwrap();
        assert!(matches!(file.check_at(now + Duration::from_secs(31)), Err(Unwell::Old(31))));
        // By a clock that was set back.
        let before = Timestamp::from_unix_millis(now.unix_millis() - 3_600_000);
        assert!(matches!(file.check_at(before), Err(Unwell::Old(3600))));
        std::fs::write(&file.0, "soon").unwrap();
        assert!(matches!(file.check_at(now), Err(Unwell::Unreadable(_))));
    }

    #[tokio::test]
    async fn what_a_connector_notes_goes_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = HealthFile(folder.path().join("heartbeat"));
        let (tell, heartbeats) = watch::channel(None);
        let keeping = tokio::spawn(file.clone().keep(heartbeats));
        tell.send_replace(Some(SystemClock.now()));
        while file.check().is_err() {
            tokio::task::yield_now().await;
        }
        drop(tell);
        keeping.await.unwrap();
        assert!(matches!(file.check(), Err(Unwell::NoNote(..))));
    }
}
