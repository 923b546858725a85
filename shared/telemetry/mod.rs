//! Logging: text for people, JSON for machines.

mod json;
mod library;

use std::io::IsTerminal;

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer, fmt,
    layer::{Context, SubscriberExt},
    util::SubscriberInitExt,
};

pub use library::Normal;

use self::library::{Counted, Masked};
use crate::config::{InvalidSetting, setting};

/// Installs the log output for this process, to standard error.
///
/// `KURIR_LOG` filters (default `info`, with the protocol library at `warn`); `KURIR_LOG_FORMAT=json`
/// writes a JSON object a line, which is what log services want. Pairing codes are left
/// out at any level, and of `normal` lines of a library is only said how many there were, unless `KURIR_LOG` is set. A second call does nothing.
///
/// # Errors
/// When one of the two is not what it may be.
pub fn init(default_filter: &str, normal: &'static [Normal]) -> Result<(), InvalidSetting> {
    let allowed = "a filter like `info` or `warn,connector=debug`";
    let filter = setting::read("KURIR_LOG", allowed, |text| EnvFilter::try_new(text).ok())?;
    // Whoever chooses what is logged wants to see it.
    let normal = if filter.is_some() { &[] } else { normal };
    let filter = filter.unwrap_or_else(|| EnvFilter::new(default_filter));
    let json = setting::one_of("KURIR_LOG_FORMAT", &[("text", false), ("json", true)])?.unwrap_or(false);
    let builder =
        fmt().with_env_filter(filter).with_ansi(std::io::stderr().is_terminal()).with_writer(Masked);
    let counted = Counted::new(normal);
    let _already_installed = match json {
        true => {
            builder.json().event_format(json::Json).finish().with(WithoutSecrets).with(counted).try_init()
        }
        false => builder.finish().with(WithoutSecrets).with(counted).try_init(),
    };
    Ok(())
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
