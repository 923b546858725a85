//! Flags and their environment variables.

use std::path::PathBuf;

use clap::{Parser, Subcommand, builder::BoolishValueParser};
use shared::domain::ids::{AccountId, DeviceId};

/// Kurir, a WhatsApp gateway: all of it on this machine.
///
/// Without AWS_ENDPOINT_URL, DynamoDB and SQS run inside this process and nothing else is needed.
#[derive(Debug, Clone, Parser)]
#[command(version, name = "kurir")]
pub struct Options {
    /// Port of the REST API on 127.0.0.1; 0 takes a free one.
    #[arg(long, env = "KURIR_PORT", default_value_t = 8080)]
    pub port: u16,

    /// Port of the sandbox WhatsApp server on 127.0.0.1; 0 takes a free one.
    #[cfg(feature = "sandbox")]
    #[arg(long, env = "KURIR_WA_PORT", default_value_t = 8081)]
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
        value_parser = clap::value_parser!(u16).range(1..),
    )]
    pub max_connections: Option<u16>,

    /// Where data lies: the embedded database, keys, and the sandbox's phones.
    #[arg(long, env = "KURIR_DATA_DIR", default_value = ".kurir")]
    pub data_dir: PathBuf,

    /// Forget all data of this folder and start afresh.
    #[arg(long, env = "KURIR_RESET", value_parser = clap::builder::FalseyValueParser::new())]
    pub reset: bool,

    /// How many connectors run as processes of their own, sharing the devices: without this, one runs inside
    /// this process; with 0, none does.
    #[arg(
        long,
        env = "KURIR_CONNECTORS",
        value_name = "COUNT",
        value_parser = clap::value_parser!(u16).range(..=100),
    )]
    pub connectors: Option<u16>,

    /// Whether a connector process that crashes is started again.
    #[arg(
        long,
        env = "KURIR_RESTART_CONNECTORS",
        value_name = "YES",
        default_value = "1",
        action = clap::ArgAction::Set,
        value_parser = BoolishValueParser::new(),
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
        /// Only of this tenant's devices (`acc_…`).
        #[arg(long)]
        tenant: Option<AccountId>,
        /// Only of this device (`dev_…`).
        #[arg(long)]
        device: Option<DeviceId>,
    },
}

impl Options {
    /// Reads the command line and the environment; prints help or what is wrong and ends the process.
    pub fn read() -> Self {
        let mut options = Self::parse();
        options.admin_password = std::env::var("KURIR_ADMIN_PASSWORD").ok().filter(|text| !text.is_empty());
        options
    }
}
