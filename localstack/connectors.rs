//! Connectors in processes of their own (`--connectors`): children of the gateway that run the same program, and
//! do not outlive it.

use std::{
    ffi::OsString,
    io,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use shared::{
    config::AwsConfig,
    crypto::MasterKey,
    store::{Db, StoreError, leases, workers},
};
use tokio::sync::oneshot;

/// The subcommand that a child runs.
pub(crate) const SUBCOMMAND: &str = "connector";

/// How often a child is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The first pause before a child that crashed is started again; it doubles with each crash.
const FIRST_PAUSE: Duration = Duration::from_millis(500);

/// The longest such pause, and how long a child runs before its next crash counts as the first.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The longest that a child may take to stop, in looks: more than its connector takes.
const STOP_LOOKS: u32 = 20 * 20;

/// The longest that a start waits until the children have shared the shards.
const SETTLE: Duration = Duration::from_secs(15);

/// What a child is told, by its environment: arguments stand in every process list.
pub(crate) struct Environment(Vec<(&'static str, OsString)>);

impl Environment {
    pub fn new(aws: &AwsConfig, master_key: &MasterKey, whatsapp: Option<&str>) -> Self {
        let mut all = vec![("KURIR_MASTER_KEY", OsString::from(master_key.to_base64().expose()))];
        let mut tell = |name, value: Option<&str>| all.extend(value.map(|value| (name, value.into())));
        tell("AWS_ENDPOINT_URL_DYNAMODB", aws.dynamodb_endpoint.as_deref());
        tell("AWS_ENDPOINT_URL_SQS", aws.sqs_endpoint.as_deref());
        tell("KURIR_WA_URL", whatsapp);
        if let Some(key) = &aws.local_key {
            tell("AWS_ACCESS_KEY_ID", Some(key.expose()));
            tell("AWS_SECRET_ACCESS_KEY", Some("local"));
            tell("AWS_REGION", Some("us-east-1"));
        }
        Self(all)
    }
}

/// Running children.
pub(crate) struct Connectors(Vec<(Sender<()>, oneshot::Receiver<()>)>);

impl Connectors {
    /// Starts so many children. One that ends by itself is started again when `restart` says so.
    pub fn start(count: u16, environment: Environment, restart: bool) -> io::Result<Self> {
        let environment = Arc::new(environment);
        let one = |number: u16| {
            let (stop, stopped) = mpsc::channel();
            let environment = environment.clone();
            let (ended, end) = oneshot::channel();
            // A thread for each child: Linux kills a child when the thread that started it ends.
            std::thread::Builder::new().name(format!("connector {number}")).spawn(move || {
                keep(number, &environment, restart, &stopped);
                drop(ended);
            })?;
            Ok((stop, end))
        };
        (1..=count).map(one).collect::<io::Result<_>>().map(Self)
    }

    /// Waits until the children have shared all shards among them, so that nothing moves any more.
    pub async fn settled(&self, db: &Db, shards: u16) {
        let (count, began) = (self.0.len(), tokio::time::Instant::now());
        while began.elapsed() < SETTLE {
            match is_settled(db, usize::from(shards), count).await {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "the leases cannot be read");
                }
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        tracing::warn!("the connectors have not shared the shards yet");
    }

    /// Stops all children at once and waits for them.
    pub async fn stop(self) {
        let (stops, ends): (Vec<_>, Vec<_>) = self.0.into_iter().unzip();
        drop(stops);
        let _ended = futures::future::join_all(ends).await;
    }
}

async fn is_settled(db: &Db, shards: usize, workers: usize) -> Result<bool, StoreError> {
    let (rows, beats) = tokio::try_join!(leases::list(db), workers::heartbeats(db))?;
    let share = |id| rows.iter().filter(|row| row.owner == Some(id)).count();
    let shares: Vec<usize> = beats.iter().map(|beat| share(beat.id)).collect();
    let even = shares.iter().max().unwrap_or(&0) - shares.iter().min().unwrap_or(&0) <= 1;
    Ok(shares.len() >= workers && shares.iter().sum::<usize>() == shards && even)
}

/// Keeps one child running until it is told to stop.
fn keep(number: u16, environment: &Environment, restart: bool, stop: &Receiver<()>) {
    let mut pause = FIRST_PAUSE;
    loop {
        match start(environment) {
            Ok(mut child) => {
                // Held open for as long as this process lives: how a child notices its end on any system.
                let _lifeline = child.stdin.take();
                let Some(looks) = watch(number, &mut child, stop) else { return };
                if POLL_INTERVAL * looks >= LONGEST_PAUSE {
                    pause = FIRST_PAUSE;
                }
            }
            Err(error) => tracing::error!(number, %error, "a connector cannot be started"),
        }
        if !restart {
            return;
        }
        if stop.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
            return;
        }
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn start(environment: &Environment) -> io::Result<Child> {
    use std::os::unix::process::CommandExt;
    Command::new(program()?)
        .arg0("kurir")
        .arg(SUBCOMMAND)
        .env_remove("KURIR_ADMIN_PASSWORD")
        .env_remove("AWS_SESSION_TOKEN")
        .envs(environment.0.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        // Ctrl-C in a terminal is the gateway's to handle.
        .process_group(0)
        .spawn()
}

/// This program, also when its file was replaced since.
fn program() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") { Ok("/proc/self/exe".into()) } else { std::env::current_exe() }
}

/// Looks after a child until it ends; says after how many looks it ended by itself, or `None` when it was told
/// to stop.
fn watch(number: u16, child: &mut Child, stop: &Receiver<()>) -> Option<u32> {
    let pid = child.id();
    for looks in 0.. {
        match child.try_wait() {
            Ok(None) => {}
            Ok(Some(status)) => {
                match status.success() {
                    true => tracing::info!(number, pid, "a connector was told to stop by somebody else"),
                    false => tracing::error!(number, pid, %status, "a connector ended by itself"),
                }
                return Some(looks);
            }
            Err(error) => tracing::error!(number, pid, %error, "a connector cannot be waited for"),
        }
        if stop.recv_timeout(POLL_INTERVAL) != Err(RecvTimeoutError::Timeout) {
            break;
        }
    }
    // It has not been waited for to its end, so the id is still its own.
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw)
        && let Err(error) = kill_process(pid, Signal::TERM)
    {
        tracing::error!(number, %pid, %error, "a connector cannot be told to stop");
    }
    for _ in 0..STOP_LOOKS {
        match child.try_wait() {
            Ok(None) => std::thread::sleep(POLL_INTERVAL),
            Ok(Some(_)) | Err(_) => return None,
        }
    }
    tracing::error!(number, pid, "a connector did not stop in time; ending it");
    let _gone = child.kill().and_then(|()| child.wait());
    None
}
