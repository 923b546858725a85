//! Flags and their environment variables.

use std::path::PathBuf;

use clap::{
    Arg, CommandFactory, Parser, Subcommand,
    error::{ContextKind, ContextValue},
};
use shared::{
    config::{InvalidSetting, setting},
    domain::ids::{DeviceId, TenantId},
};

/// By which command a build is run (`.cargo/config.toml`).
const COMMAND: &str = if cfg!(feature = "sandbox") { "cargo sandbox" } else { "cargo live" };

/// Kurir, a WhatsApp gateway: all of it on this machine.
///
/// `cargo sandbox` simulates WhatsApp and its phones, `cargo live` links real ones. Without AWS_ENDPOINT_URL,
/// DynamoDB and SQS run inside this process and nothing else is needed.
///
/// Other settings are variables of the environment: docs/api.md, Settings.
#[derive(Debug, Clone, Parser)]
#[command(version, name = "kurir", bin_name = COMMAND)]
pub struct Options {
    /// Port of the REST API on 127.0.0.1; 0 takes a free one.
    #[arg(long, env = "KURIR_PORT", value_parser = port, default_value = "8080")]
    pub port: u16,

    /// Port of the sandbox WhatsApp server on 127.0.0.1; 0 takes a free one.
    #[cfg(feature = "sandbox")]
    #[arg(long, env = "KURIR_WA_PORT", value_parser = port, default_value = "8081")]
    pub wa_port: u16,

    /// Names under which the API may be asked, beside addresses and `localhost`: those of proxies in front of it,
    /// separated by commas.
    #[arg(long = "allowed-hosts", env = "KURIR_ALLOWED_HOSTS", value_name = "HOSTS", value_delimiter = ',')]
    pub allowed_hosts: Vec<String>,

    /// How many connections the API takes at a time; half of the files that the process may have open, and 8192 at
    /// most, when not given.
    #[arg(
        long,
        env = "KURIR_MAX_CONNECTIONS",
        value_name = "COUNT",
        value_parser = |text: &str| number(text, 1, u16::MAX),
    )]
    pub max_connections: Option<u16>,

    /// Where data lies: the embedded database, keys, and the sandbox's phones.
    #[arg(long, env = "KURIR_DATA_DIR", default_value = ".kurir")]
    pub data_dir: PathBuf,

    /// Forget all data of this folder and start afresh.
    #[arg(long, env = "KURIR_RESET", value_parser = |text: &str| yes_or_no(if text.is_empty() { "0" } else { text }))]
    pub reset: bool,

    /// How many connectors run as processes of their own, sharing the devices: without this, one runs inside
    /// this process; with 0, none does.
    #[arg(
        long,
        env = "KURIR_CONNECTORS",
        value_name = "COUNT",
        value_parser = |text: &str| number(text, 0, 100),
    )]
    pub connectors: Option<u16>,

    /// Whether a connector process that crashes is started again.
    #[arg(
        long,
        env = "KURIR_RESTART_CONNECTORS",
        value_name = "YES",
        default_value = "1",
        action = clap::ArgAction::Set,
        value_parser = yes_or_no,
    )]
    pub restart_connectors: bool,

    /// E-mail address of the first administrator.
    #[arg(long, env = "KURIR_ADMIN_EMAIL", default_value = "admin@kurir.local")]
    pub admin_email: String,

    /// Password of the first administrator; one is made up when none is given. Only read from the
    /// environment, so that it stands in no process list.
    #[arg(skip)]
    pub admin_password: Option<String>,

    /// What to be, when not the whole gateway.
    #[command(subcommand)]
    pub mode: Option<Mode>,
}

/// What to be instead of the whole gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum Mode {
    /// One connector, for the gateway that started it.
    #[command(hide = true)]
    Connector,

    /// Drop the Signal sessions and sender keys of devices, after data of an earlier day was put back
    /// (docs/operations.md): their counters have been used, and contacts would take what comes next for what they
    /// have. Links stay. The gateway must not run meanwhile.
    ForgetSessions {
        /// Only of this tenant's devices (`ten_…`).
        #[arg(long)]
        tenant: Option<TenantId>,
        /// Only of this device (`dev_…`).
        #[arg(long)]
        device: Option<DeviceId>,
    },
}

impl Options {
    /// Reads the command line and the environment; prints help or what is wrong and ends the process.
    pub fn read() -> Self {
        let mut options = Self::try_parse().unwrap_or_else(|error| match of_variable(&error) {
            Some(invalid) => {
                eprintln!("error: {invalid}");
                std::process::exit(2);
            }
            None => error.exit(),
        });
        options.admin_password = setting::text("KURIR_ADMIN_PASSWORD");
        options
    }
}

/// The variable that is to blame when no flag is: the command line's library names the flag in any case.
fn of_variable(error: &clap::Error) -> Option<InvalidSetting> {
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else { return None };
    let Some(ContextValue::String(value)) = error.get(ContextKind::InvalidValue) else { return None };
    let mut command = Options::command();
    command.build();
    let argument: &Arg = command.get_arguments().find(|argument| argument.to_string() == *flag)?;
    let given = format!("--{}", argument.get_long()?);
    let mut flags = std::env::args().skip(1);
    if flags.any(|flag| flag == given || flag.strip_prefix(&given).is_some_and(|rest| rest.starts_with('=')))
    {
        return None;
    }
    let name = argument.get_env()?.to_str()?.to_owned();
    let allowed = std::error::Error::source(error)?.to_string();
    let allowed = allowed.strip_prefix("must be ").unwrap_or(&allowed).to_owned();
    Some(InvalidSetting { name, value: value.clone(), allowed })
}

fn port(text: &str) -> Result<u16, String> {
    number(text, 0, u16::MAX)
}

fn number(text: &str, least: u16, most: u16) -> Result<u16, String> {
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| format!("must be a number from {least} to {most}"))
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err("must be `1`, `true`, `0` or `false`".into()),
    }
}
