//! Trying again, with growing pauses.

use std::time::Duration;

use shared::services::Error;

const PAUSES: [Duration; 6] = [
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(5),
    Duration::from_secs(10),
];

/// Does something until it works or fails for good: what passes ([`Error::passes`]) is tried again for about 20 s,
/// on top of the AWS SDK's own retries.
pub(crate) async fn patiently<T, F>(what: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    for pause in PAUSES {
        match what().await {
            Err(error) if error.passes() => tokio::time::sleep(pause).await,
            outcome => return outcome,
        }
    }
    what().await
}

/// Pauses between tries that never end: doubling from one second to a minute.
#[derive(Debug, Default)]
pub(crate) struct Backoff(u32);

impl Backoff {
    /// The next pause.
    pub fn next(&mut self) -> Duration {
        let pause = Duration::from_secs(1 << self.0.min(6)).min(Duration::from_secs(60));
        self.0 += 1;
        pause.mul_f64(rand::random_range(0.9..1.1))
    }

    /// It worked: the next pause is short again.
    pub fn reset(&mut self) {
        self.0 = 0;
    }
}
