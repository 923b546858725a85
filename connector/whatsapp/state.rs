//! What a socket is now. Only the present state counts, so it is watched and not queued: who looks late misses
//! what passed, and never what is.

use std::{fmt, time::Duration};

use tokio::{sync::watch, time::Instant};

use super::Identity;

/// What a socket is now.
#[derive(Clone, PartialEq, Eq)]
pub enum SocketState {
    /// On the way to a connection. The socket goes on by itself.
    Connecting {
        /// What the phone has just linked; WhatsApp then closes the connection, and the socket logs in.
        linked: Option<Linked>,
        /// What the last connection ended with.
        reason: Option<String>,
    },
    /// Shows this QR code to the phone's owner.
    ShowingQr {
        code: String,
        /// Until when it is good.
        until: Instant,
        /// Why the phone's answer did not link it.
        problem: Option<String>,
    },
    /// Logged in and ready to send.
    Connected(Linked),
    /// Nothing comes any more.
    Over(End),
}

/// The account that a device is linked to.
#[derive(Clone, PartialEq, Eq)]
pub struct Linked {
    pub identity: Identity,
    pub push_name: Option<String>,
}

/// Why a socket is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Nobody scanned the QR codes.
    QrExhausted,
    /// The link is gone, at the phone's or WhatsApp's will: the keys are useless.
    LoggedOut { reason: String },
    /// Another connection took this device's place; the link is as it was.
    Replaced,
    /// WhatsApp banned the account for a while.
    Banned { code: i32, reason: String, expires_in: Duration },
    /// WhatsApp no longer accepts the announced version.
    ClientOutdated,
    /// WhatsApp refused the login for another reason.
    Refused { code: i32, reason: String },
    /// WhatsApp asks this device to connect less often.
    RateLimited,
    /// It ended without a word, or could not keep up with what arrived.
    Stopped,
}

impl SocketState {
    /// The state of a socket that has just been opened.
    pub(super) fn opened() -> Self {
        Self::Connecting { linked: None, reason: None }
    }

    /// What follows when the connection is lost.
    pub(super) fn lost(&self, reason: String) -> Self {
        // What was just linked is not forgotten before it has been logged in with.
        let linked = match self {
            Self::Connecting { linked, .. } => linked.clone(),
            _ => None,
        };
        Self::Connecting { linked, reason: Some(reason) }
    }

    /// What follows when the phone answered and linking failed.
    pub(super) fn not_linked(&self, problem: String) -> Self {
        match self {
            Self::ShowingQr { code, until, .. } => {
                Self::ShowingQr { code: code.clone(), until: *until, problem: Some(problem) }
            }
            other => other.lost(problem),
        }
    }

    /// Whether `next` can follow. What is over stays over, and a device that has a link shows no code.
    fn may_become(&self, next: &Self) -> bool {
        match (self, next) {
            (Self::Over(_), _) => false,
            (Self::Connected(_) | Self::Connecting { linked: Some(_), .. }, Self::ShowingQr { .. }) => false,
            (now, next) => now != next,
        }
    }
}

/// Where a socket keeps its state.
pub(super) struct StateCell(watch::Sender<SocketState>);

impl Default for StateCell {
    fn default() -> Self {
        Self(watch::Sender::new(SocketState::opened()))
    }
}

impl StateCell {
    /// Goes over to the next state, if that can follow.
    pub fn enter(&self, next: SocketState) {
        self.0.send_if_modified(|now| {
            let may = now.may_become(&next);
            if may {
                *now = next;
            }
            may
        });
    }

    /// The present state.
    pub fn now(&self) -> SocketState {
        self.0.borrow().clone()
    }

    /// The state and its changes from now on.
    pub fn watch(&self) -> watch::Receiver<SocketState> {
        self.0.subscribe()
    }
}

/// A QR text is as good as a login, and who it is for is personal: neither is shown.
impl fmt::Debug for SocketState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connecting { linked, reason } => f
                .debug_struct("Connecting")
                .field("linked", &linked.is_some())
                .field("reason", reason)
                .finish(),
            Self::ShowingQr { problem, .. } => {
                f.debug_struct("ShowingQr").field("problem", problem).finish_non_exhaustive()
            }
            Self::Connected(linked) => f.debug_tuple("Connected").field(&linked.identity).finish(),
            Self::Over(end) => f.debug_tuple("Over").field(end).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linked() -> Linked {
        let identity = Identity { pn: Some("6281@s.whatsapp.net".into()), lid: None };
        Linked { identity, push_name: None }
    }

    fn showing(code: &str) -> SocketState {
        SocketState::ShowingQr { code: code.into(), until: Instant::now(), problem: None }
    }

    #[tokio::test]
    async fn who_looks_late_sees_what_is() {
        let cell = StateCell::default();
        let mut watching = cell.watch();
        for round in 0..100_000 {
            cell.enter(showing(&round.to_string()));
        }
        cell.enter(SocketState::Connected(linked()));
        watching.changed().await.unwrap();
        assert_eq!(*watching.borrow_and_update(), SocketState::Connected(linked()));
        cell.enter(SocketState::Connected(linked()));
        assert!(!watching.has_changed().unwrap(), "that is no news");
    }

    #[test]
    fn what_is_over_stays_over() {
        let cell = StateCell::default();
        cell.enter(SocketState::Over(End::Replaced));
        for next in [SocketState::opened(), SocketState::Connected(linked()), SocketState::Over(End::Stopped)]
        {
            cell.enter(next);
            assert_eq!(cell.now(), SocketState::Over(End::Replaced));
        }
    }

    #[test]
    fn what_was_linked_is_known_until_it_has_logged_in() {
        let cell = StateCell::default();
        cell.enter(showing("a"));
        cell.enter(cell.now().not_linked("wrong phone".into()));
        assert!(matches!(cell.now(), SocketState::ShowingQr { code, problem: Some(_), .. } if code == "a"));
        cell.enter(SocketState::Connecting { linked: Some(linked()), reason: None });
        cell.enter(showing("b"));
        cell.enter(cell.now().lost("closed".into()));
        let still = SocketState::Connecting { linked: Some(linked()), reason: Some("closed".into()) };
        assert_eq!(cell.now(), still);
        cell.enter(SocketState::Connected(linked()));
        cell.enter(cell.now().lost("cut".into()));
        assert_eq!(cell.now(), SocketState::Connecting { linked: None, reason: Some("cut".into()) });
    }

    #[test]
    fn debug_shows_no_code_and_no_number() {
        let shown = format!("{:?} {:?}", showing("2@secret"), SocketState::Connected(linked()));
        assert!(!shown.contains("secret") && !shown.contains("6281"), "{shown}");
    }
}
