//! How many sessions this process has.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

/// A count that is shared by all who make sessions.
#[derive(Debug, Clone, Default)]
pub(crate) struct SessionCount(Arc<AtomicU32>);

/// One session, for as long as this lives.
#[derive(Debug)]
pub(crate) struct CountedSession(SessionCount);

impl SessionCount {
    /// Counts one more.
    pub fn enter(&self) -> CountedSession {
        self.0.fetch_add(1, Ordering::Relaxed);
        CountedSession(self.clone())
    }

    /// How many there are.
    pub fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for CountedSession {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_counts_for_as_long_as_it_lives() {
        let sessions = SessionCount::default();
        let (first, _second) = (sessions.enter(), sessions.clone().enter());
        assert_eq!(sessions.count(), 2);
        drop(first);
        assert_eq!(sessions.count(), 1);
    }
}
