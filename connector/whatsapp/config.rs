//! How this process uses WhatsApp.

use std::time::Duration;

use shared::config::{InvalidSetting, setting};

/// Settings shared by all sockets of a process.
#[derive(Debug, Clone)]
pub struct WhatsAppConfig {
    /// WebSocket address of the server; `None` is WhatsApp's own.
    pub server_url: Option<String>,
    /// The WhatsApp Web version to announce. WhatsApp refuses old ones
    /// ([`End::ClientOutdated`](super::End::ClientOutdated)).
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

impl WhatsAppConfig {
    /// The defaults, with what the environment sets: `KURIR_WA_URL`, for a server that is not WhatsApp's own,
    /// `KURIR_WA_VERSION`, for when WhatsApp no longer takes
    /// the version that Kurir was built with, `KURIR_QR_ROUNDS`, see [`Self::qr_rounds`], and
    /// `KURIR_RATE_LIMIT_PAUSE_MS`, see [`Self::rate_limit_pause`].
    ///
    /// # Errors
    /// [`InvalidSetting`]
    pub fn from_env() -> Result<Self, InvalidSetting> {
        const LONGEST_PAUSE_MS: u64 = 900_000;
        let version =
            setting::read("KURIR_WA_VERSION", "a WhatsApp Web version like 2.3000.1030000000", |text| {
                let parts: Vec<u32> = text.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
                <[u32; 3]>::try_from(parts).ok()
            })?;
        let rounds = setting::read("KURIR_QR_ROUNDS", "a number from 1 to 100", |text| {
            text.parse().ok().filter(|rounds| (1..=100).contains(rounds))
        })?;
        let allowed = format!("a number of milliseconds from 1 to {LONGEST_PAUSE_MS}");
        let pause = setting::read("KURIR_RATE_LIMIT_PAUSE_MS", &allowed, |text| {
            text.parse().ok().filter(|millis| (1..=LONGEST_PAUSE_MS).contains(millis))
        })?;
        let default = Self::default();
        Ok(Self {
            server_url: setting::text("KURIR_WA_URL"),
            version: version.map_or(default.version, |[major, minor, patch]| (major, minor, patch)),
            qr_rounds: rounds.unwrap_or(default.qr_rounds),
            rate_limit_pause: pause.map_or(default.rate_limit_pause, Duration::from_millis),
            ..default
        })
    }
}
