//! Logging: text for people, JSON for machines.

mod json;

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt};

/// Installs the log output for this process, to standard error.
///
/// `KURIR_LOG` filters (default `info`, with the protocol library at `warn`); `KURIR_LOG_FORMAT=json`
/// writes a JSON object a line, which is what log services want. A second call does nothing.
pub fn init(default_filter: &str) {
    let filter = EnvFilter::try_from_env("KURIR_LOG").unwrap_or_else(|_| EnvFilter::new(default_filter));
    let builder =
        fmt().with_env_filter(filter).with_ansi(std::io::stderr().is_terminal()).with_writer(std::io::stderr);
    let _already_installed = match std::env::var("KURIR_LOG_FORMAT").as_deref() {
        Ok("json") => builder.json().event_format(json::Json).try_init(),
        _ => builder.try_init(),
    };
}
