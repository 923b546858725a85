//! Waiting for what happens by itself.

use std::time::Duration;

use shared::clock::{Clock, SystemClock};

/// How long anything may take before a test gives up: far more than it needs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A moment so many seconds from now, as the API writes it.
pub fn in_seconds(seconds: u64) -> String {
    (SystemClock.now() + Duration::from_secs(seconds)).to_string()
}

/// Asks again until there is an answer.
///
/// # Panics
/// When there is none within [`PATIENCE`].
pub async fn eventually<T>(what: impl std::fmt::Display, ask: impl AsyncFnMut() -> Option<T>) -> T {
    within(PATIENCE, what, ask).await
}

/// Asks again until there is an answer, for no longer than this.
///
/// # Panics
/// When there is none in time.
pub async fn within<T>(
    patience: Duration,
    what: impl std::fmt::Display,
    mut ask: impl AsyncFnMut() -> Option<T>,
) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(patience, asking)
        .await
        .unwrap_or_else(|_| panic!("waited in vain, {patience:?}, for: {what}"))
}
