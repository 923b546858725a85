//! Logging: text for people, JSON for machines.

mod json;

use std::io::IsTerminal;

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer, fmt,
    layer::{Context, SubscriberExt},
    util::SubscriberInitExt,
};

/// Installs the log output for this process, to standard error.
///
/// `KURIR_LOG` filters (default `info`, with the protocol library at `warn`); `KURIR_LOG_FORMAT=json`
/// writes a JSON object a line, which is what log services want. Pairing codes are left
/// out at any level. A second call does nothing.
pub fn init(default_filter: &str) {
    let filter = EnvFilter::try_from_env("KURIR_LOG").unwrap_or_else(|_| EnvFilter::new(default_filter));
    let builder =
        fmt().with_env_filter(filter).with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr);
    let _already_installed = match std::env::var("KURIR_LOG_FORMAT").as_deref() {
        Ok("json") => builder.json().event_format(json::Json).finish().with(WithoutSecrets).try_init(),
        _ => builder.finish().with(WithoutSecrets).try_init(),
    };
}

/// Where the protocol library tells pairing codes, below `warn`: whatever the filter says, nothing of that is logged.
const TELLING_CODES: [&str; 2] = ["Client/PairCode", "Bot/PairCode"];

/// Keeps out what is as good as a login.
struct WithoutSecrets;

impl<S: Subscriber> Layer<S> for WithoutSecrets {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        *metadata.level() <= Level::WARN || !TELLING_CODES.contains(&metadata.target())
    }
}
