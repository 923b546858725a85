//! Baileys, a WhatsApp Web client by others, as a process.

use std::{
    collections::VecDeque,
    fs::File,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{Gateway, PATIENCE};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// Where the client and its packages are.
fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("baileys");
    let package = folder.join("node_modules/@whiskeysockets/baileys/package.json");
    assert!(
        package.exists(),
        "Baileys is not installed: run tests/run, or `npm ci --ignore-scripts` in tests/baileys"
    );
    folder
}

/// The root key of the sandbox's certificates, in hex.
pub async fn root_key(gateway: &Gateway) -> String {
    let key = gateway.api.get("/sandbox/root-key").await.expect(200).json;
    key["rootKey"].as_str().expect("a key in hex").to_owned()
}

/// A command that runs Node in the client's folder. What it starts is killed when dropped.
pub fn node(arguments: &[&str]) -> Command {
    let mut command = Command::new("node");
    command.current_dir(folder()).args(arguments).kill_on_drop(true);
    command
}

/// A Baileys at work.
pub struct Baileys {
    child: Child,
    commands: ChildStdin,
    events: Lines<BufReader<ChildStdout>>,
    /// Events that nobody has asked for yet.
    seen: VecDeque<Value>,
    home: TempDir,
}

impl Baileys {
    /// Starts one without keys.
    pub async fn start(gateway: &Gateway) -> Self {
        let home = TempDir::new().expect("a temporary folder");
        Self::launch(gateway, home, &root_key(gateway).await)
    }

    /// Starts one that trusts another root key than the sandbox's.
    pub fn start_trusting(gateway: &Gateway, root_key: &str) -> Self {
        Self::launch(gateway, TempDir::new().expect("a temporary folder"), root_key)
    }

    fn launch(gateway: &Gateway, home: TempDir, root_key: &str) -> Self {
        let log = File::options().create(true).append(true).open(home.path().join("log"));
        let mut child = node(&["-r", "./strict.cjs", "client.mjs"])
            .env("WA_URL", format!("ws://127.0.0.1:{}/ws/chat", gateway.wa_port))
            .env("WA_ROOT_KEY", root_key)
            .env("AUTH_FOLDER", home.path().join("auth"))
            .env("LOG_LEVEL", "info")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log.expect("a log file"))
            .spawn()
            .expect("node starts; it is needed for this test");
        let commands = child.stdin.take().expect("piped");
        let events = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { child, commands, events, seen: VecDeque::new(), home }
    }

    /// Tells it to do something.
    async fn tell(&mut self, command: Value) {
        self.commands.write_all(format!("{command}\n").as_bytes()).await.expect("it listens");
    }

    /// Waits for an event, which may have come already.
    ///
    /// # Panics
    /// When it does not come, and when a command fails.
    pub async fn event(&mut self, name: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let wanted = |event: &Value| event["event"] == name && is_it(event);
        if let Some(at) = self.seen.iter().position(wanted) {
            return self.seen.remove(at).expect("it is there");
        }
        let waiting = async {
            loop {
                let line = self.events.next_line().await.expect("its output can be read");
                let line = line.unwrap_or_else(|| panic!("Baileys ended before {name}"));
                let event: Value =
                    serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line} is no JSON"));
                if wanted(&event) {
                    return event;
                }
                assert_ne!(event["event"], "error", "{event}");
                self.seen.push_back(event);
            }
        };
        let found = tokio::time::timeout(PATIENCE, waiting).await;
        found.unwrap_or_else(|_| panic!("Baileys told no such {name}; it told {:?}", self.seen))
    }

    /// The text of the next QR code.
    pub async fn qr(&mut self) -> String {
        self.event("qr", |_| true).await["qr"].as_str().expect("a text").to_owned()
    }

    /// A code to type into the phone of this number.
    pub async fn pairing_code(&mut self, number: &str) -> String {
        self.qr().await;
        self.tell(json!({"do": "pair", "number": number})).await;
        self.event("code", |_| true).await["code"].as_str().expect("a code").to_owned()
    }

    /// Waits until it is logged in; who it is.
    pub async fn opened(&mut self) -> Value {
        self.event("open", |_| true).await
    }

    /// Sends a text; its id.
    pub async fn send(&mut self, to: &str, text: &str) -> String {
        self.tell(json!({"do": "send", "to": to, "text": text})).await;
        self.event("sent", |_| true).await["id"].as_str().expect("an id").to_owned()
    }

    /// Waits for a text of others; its key.
    pub async fn receives(&mut self, text: &str) -> Value {
        self.event("message", |e| e["text"] == text && e["key"]["fromMe"] != true).await["key"].clone()
    }

    /// Waits until a message of its own has a status.
    pub async fn message_becomes(&mut self, id: &str, status: &str) {
        self.event("status", |e| e["id"] == id && e["status"] == status).await;
    }

    /// Sends a receipt, of whatever it may be.
    pub async fn receipt(&mut self, to: &str, ids: &[&str], kind: &str) {
        self.tell(json!({"do": "receipt", "to": to, "ids": ids, "type": kind})).await;
        self.event("receipts-sent", |_| true).await;
    }

    /// Shows the sender of a message that it was read.
    pub async fn read(&mut self, key: &Value) {
        self.tell(json!({"do": "read", "keys": [key]})).await;
        self.event("receipts-sent", |_| true).await;
    }

    /// Waits until it has ended; why the connection was closed.
    pub async fn closed(&mut self) -> Value {
        let close = self.event("close", |_| true).await;
        self.ended().await;
        close
    }

    async fn ended(&mut self) -> ExitStatus {
        let ended = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        ended.expect("Baileys ends").expect("it was running")
    }

    /// Stops it; what keeps its keys.
    pub async fn stop(mut self) -> Stopped {
        self.tell(json!({"do": "stop"})).await;
        assert!(self.ended().await.success());
        Stopped(std::mem::replace(&mut self.home, TempDir::new().expect("a temporary folder")))
    }
}

/// The keys of a Baileys that was stopped.
pub struct Stopped(TempDir);

impl Stopped {
    /// Starts it again.
    pub async fn again(self, gateway: &Gateway) -> Baileys {
        Baileys::launch(gateway, self.0, &root_key(gateway).await)
    }
}

impl Drop for Baileys {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.home.path().join("log")).unwrap_or_default();
            eprintln!("--- log of Baileys ---\n{log}");
        }
    }
}
