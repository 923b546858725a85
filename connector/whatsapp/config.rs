//! How this process uses WhatsApp.

use std::time::Duration;

/// Settings shared by all sockets of a process.
#[derive(Debug, Clone)]
pub struct WhatsAppConfig {
    /// WebSocket address of the server; `None` is WhatsApp's own.
    pub server_url: Option<String>,
    /// The WhatsApp Web version to announce. WhatsApp refuses old ones
    /// ([`SocketEvent::ClientOutdated`](super::SocketEvent::ClientOutdated)).
    pub version: (u32, u32, u32),
    /// The name in the phone's list of linked devices.
    pub device_name: String,
    /// How often a device that nobody links asks for a new set of QR codes. WhatsApp hands out six
    /// codes at a time, good for 160 s together.
    pub qr_rounds: u32,
    /// How long a send waits for the server's ack.
    pub ack_timeout: Duration,
    /// How long a device is silent after WhatsApp first answered that it sends too fast; it doubles with each
    /// such answer in a row, up to 15 minutes.
    pub rate_limit_pause: Duration,
    /// How long any other question to the server may take.
    pub command_timeout: Duration,
}

impl Default for WhatsAppConfig {
    fn default() -> Self {
        Self {
            server_url: None,
            version: (2, 3000, 1_030_000_000),
            device_name: "Kurir".into(),
            qr_rounds: 3,
            ack_timeout: Duration::from_secs(30),
            rate_limit_pause: Duration::from_secs(60),
            command_timeout: Duration::from_secs(30),
        }
    }
}

/// An environment variable is not valid.
#[derive(Debug, thiserror::Error)]
pub enum EnvError {
    /// `KURIR_WA_VERSION` is not a version.
    #[error("KURIR_WA_VERSION must be a WhatsApp Web version like 2.3000.1030000000, not `{0}`")]
    Version(String),
    /// `KURIR_QR_ROUNDS` is not a number.
    #[error("KURIR_QR_ROUNDS must be a number from 1 to 100, not `{0}`")]
    QrRounds(String),
    /// `KURIR_RATE_LIMIT_PAUSE_MS` is not a number.
    #[error("KURIR_RATE_LIMIT_PAUSE_MS must be a number of milliseconds from 1 to 900000, not `{0}`")]
    RateLimitPause(String),
}

impl WhatsAppConfig {
    /// The defaults, with what the environment sets: `KURIR_WA_URL`, for a server that is not WhatsApp's own,
    /// `KURIR_WA_VERSION`, for when WhatsApp no longer takes
    /// the version that Kurir was built with, `KURIR_QR_ROUNDS`, see [`Self::qr_rounds`], and
    /// `KURIR_RATE_LIMIT_PAUSE_MS`, see [`Self::rate_limit_pause`].
    ///
    /// # Errors
    /// [`EnvError`]
    pub fn from_env() -> Result<Self, EnvError> {
        let server_url = std::env::var("KURIR_WA_URL").ok().filter(|url| !url.is_empty());
        let mut config = Self { server_url, ..Self::default() };
        if let Ok(text) = std::env::var("KURIR_WA_VERSION") {
            let parts: Vec<u32> = text.split('.').map_while(|part| part.parse().ok()).collect();
            config.version = match parts[..] {
                [major, minor, patch] => (major, minor, patch),
                _ => return Err(EnvError::Version(text)),
            };
        }
        if let Ok(text) = std::env::var("KURIR_QR_ROUNDS") {
            config.qr_rounds = match text.parse() {
                Ok(rounds @ 1..=100) => rounds,
                _ => return Err(EnvError::QrRounds(text)),
            };
        }
        if let Ok(text) = std::env::var("KURIR_RATE_LIMIT_PAUSE_MS") {
            config.rate_limit_pause = match text.parse() {
                Ok(millis @ 1..=900_000) => Duration::from_millis(millis),
                _ => return Err(EnvError::RateLimitPause(text)),
            };
        }
        Ok(config)
    }
}
