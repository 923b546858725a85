//! The whole gateway as a process, on free loopback ports, with a data folder of its own.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{Api, Endpoints, eventually, program, wait::PATIENCE};

/// A running gateway, with the sandbox. It is killed when dropped.
pub struct Gateway {
    child: Child,
    log: LogWhenFailing,
    data: TempDir,
    env: Vec<(String, String)>,
    /// Everything that it printed until it was ready.
    pub banner: String,
    /// The API without credentials.
    pub api: Api,
    /// The API for the administrator.
    pub admin: Api,
    /// The port of the API.
    pub port: u16,
    /// The port of the sandbox WhatsApp server.
    pub wa_port: u16,
}

impl Gateway {
    /// Starts one with an empty data folder.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with environment variables.
    pub async fn start_with(env: &[(&str, &str)]) -> Self {
        let data = TempDir::new().expect("a temporary folder");
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self::launch(data, env, 0, 0).await
    }

    async fn launch(data: TempDir, env: Vec<(String, String)>, port: u16, wa_port: u16) -> Self {
        let log =
            File::options().create(true).append(true).open(data.path().join("log")).expect("a log file");
        let mut child = Command::new(program("localstack"))
            .args(["--port", &port.to_string(), "--wa-port", &wa_port.to_string(), "--data-dir"])
            .arg(data.path().join("data"))
            .env_remove("AWS_ENDPOINT_URL")
            .envs(env.clone())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .expect("the gateway starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut banner = String::new();
        let reading = async {
            while let Ok(Some(line)) = lines.next_line().await {
                banner.push_str(&line);
                banner.push('\n');
                if line.contains("Ctrl-C") {
                    return true;
                }
            }
            false
        };
        let ready = tokio::time::timeout(PATIENCE, reading).await.unwrap_or(false);
        let log = std::fs::read_to_string(data.path().join("log")).unwrap_or_default();
        assert!(ready, "the gateway did not get ready:\n{banner}\n{log}");
        // Its farewell must find a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let field = |name: &str| {
            let line = banner.lines().find(|line| line.trim_start().starts_with(name));
            line.and_then(|line| line.split_whitespace().last()).expect("a line of the banner").to_owned()
        };
        let api = Api::new(field("API ").trim_end_matches("/v1"));
        let kept = std::fs::read_to_string(data.path().join("data/credentials.json")).expect("kept");
        let kept: Value = serde_json::from_str(&kept).expect("JSON");
        let admin = api.with_key(kept["apiKey"].as_str().expect("a key"));
        let (port, wa_port) = (port_of(&field("API ")), port_of(&field("WhatsApp")));
        Self {
            child,
            log: LogWhenFailing(data.path().join("log")),
            data,
            env,
            admin,
            api,
            port,
            wa_port,
            banner,
        }
    }

    /// Kills it, as a power cut would (SIGKILL), and starts it again with the same data and ports.
    pub async fn kill_and_restart(mut self) -> Self {
        self.child.kill().await.expect("it can be killed");
        self.again().await
    }

    /// Kills it and runs something before it starts again.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("it can be killed");
    }

    /// Starts again what was killed or stopped.
    pub async fn again(self) -> Self {
        let Self { data, env, port, wa_port, .. } = self;
        Self::launch(data, env, port, wa_port).await
    }

    /// Runs a part of the program over the same data, after [`Gateway::terminate`]; what it prints.
    pub async fn run(&self, arguments: &[&str], env: &[(&str, &str)]) -> (bool, String) {
        let run = Command::new(program("localstack"))
            .arg("--data-dir")
            .arg(self.data_dir())
            .args(arguments)
            .env_remove("AWS_ENDPOINT_URL")
            .envs(self.env.clone())
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .output();
        let output = tokio::time::timeout(PATIENCE, run).await.expect("it ends").expect("it runs");
        let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        (output.status.success(), said.concat())
    }

    /// Asks it to stop (SIGTERM) and waits until it has.
    pub async fn terminate(&mut self) -> ExitStatus {
        let id = self.child.id().expect("it is running").to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().await.expect("kill runs");
        assert!(sent.success());
        tokio::time::timeout(PATIENCE, self.child.wait()).await.expect("it stops").expect("it was running")
    }

    /// Starts again with more environment variables.
    pub async fn again_with(mut self, env: &[(&str, &str)]) -> Self {
        self.env.extend(env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.again().await
    }

    /// Whether any table but the audit log and the event log, which are kept for as long as the plan says, still
    /// holds something: for proving that nothing is left.
    pub async fn stores(&self, device: &str) -> bool {
        let tables = self.dynamodb("ListTables", json!({})).await;
        let tables = tables["TableNames"].as_array().expect("names").iter();
        for table in tables.filter(|table| *table != "kurir-audit" && *table != "kurir-events") {
            if self.dynamodb("Scan", json!({"TableName": table})).await.to_string().contains(device) {
                return true;
            }
        }
        false
    }

    /// All that a table holds.
    pub async fn dump(&self, table: &str) -> Value {
        self.dynamodb("Scan", json!({"TableName": format!("kurir-{table}")})).await["Items"].clone()
    }

    /// Writes a row as it is: for what takes days to come about.
    pub async fn put_row(&self, table: &str, item: &Value) {
        self.dynamodb("PutItem", json!({"TableName": format!("kurir-{table}"), "Item": item})).await;
    }

    /// Some row of a table.
    pub async fn first_row(&self, table: &str) -> Value {
        self.dump(table).await[0].clone()
    }

    /// Starts one that must not start; what it says.
    pub async fn fails_to_start(env: &[(&str, &str)]) -> String {
        let data = TempDir::new().expect("a temporary folder");
        Self::fails_to_start_with(data.path(), env).await
    }

    /// The same over the data that a stopped one has left.
    pub async fn fails_to_start_again(&self, env: &[(&str, &str)]) -> String {
        Self::fails_to_start_with(&self.data_dir(), env).await
    }

    async fn fails_to_start_with(data: &Path, env: &[(&str, &str)]) -> String {
        let output = Command::new(program("localstack"))
            .args(["--port", "0", "--wa-port", "0", "--data-dir"])
            .arg(data)
            .env_remove("AWS_ENDPOINT_URL")
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .output();
        let output = tokio::time::timeout(PATIENCE, output).await.expect("it gives up").expect("it runs");
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).expect("text")
    }

    /// How many rows a table has.
    pub async fn rows(&self, table: &str) -> u64 {
        let scan = json!({"TableName": format!("kurir-{table}"), "Select": "COUNT"});
        self.dynamodb("Scan", scan).await["Count"].as_u64().expect("a count")
    }

    /// Makes the send queues forget what lies in them.
    pub async fn purge_send_queues(&self) {
        let services = Endpoints::of(self);
        let listed = services.ask("AmazonSQS.ListQueues", json!({"QueueNamePrefix": "kurir-sends-"})).await;
        for url in listed["QueueUrls"].as_array().expect("urls") {
            services.ask("AmazonSQS.PurgeQueue", json!({"QueueUrl": url})).await;
        }
    }

    /// A device that is not connected loses its Signal sessions. Says with how many people it had some.
    pub async fn forget_sessions(&self, device: &str) -> usize {
        let of_device = |row: &&Value| {
            let text = |name: &str| row[name]["S"].as_str().unwrap_or_default();
            text("pk").contains(device) && text("sk").starts_with("peer#")
        };
        let rows = self.dump("session-keys").await;
        let rows: Vec<&Value> = rows.as_array().expect("rows").iter().filter(of_device).collect();
        for row in &rows {
            let key = json!({"pk": row["pk"], "sk": row["sk"]});
            self.dynamodb("DeleteItem", json!({"TableName": "kurir-session-keys", "Key": key})).await;
        }
        rows.len()
    }

    async fn dynamodb(&self, action: &str, body: Value) -> Value {
        Endpoints::of(self).ask(&format!("DynamoDB_20120810.{action}"), body).await
    }

    /// What the first start made up.
    pub fn secrets(&self) -> Value {
        let kept = std::fs::read_to_string(self.data_dir().join("credentials.json")).expect("kept");
        serde_json::from_str(&kept).expect("JSON")
    }

    /// The folder of its data.
    pub fn data_dir(&self) -> PathBuf {
        self.data.path().join("data")
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log.0).unwrap_or_default()
    }

    /// Makes a phone.
    pub async fn phone(&self, number: &str, name: &str) -> Phone {
        let body = json!({"number": number, "name": name});
        let json = self.api.post("/sandbox/phones", body).await.expect(201).json;
        self.phone_of(&json)
    }

    /// Makes a phone whose name does not matter.
    pub async fn phone_with(&self, number: String) -> Phone {
        self.phone(&number, &format!("Phone {number}")).await
    }

    /// The id of its process.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it is running")
    }

    /// The workers that it knows of.
    pub async fn workers(&self) -> Vec<Value> {
        self.admin.get("/v1/workers").await.expect(200).json["items"].as_array().expect("items").clone()
    }

    /// A phone of the sandbox, from its JSON.
    pub fn phone_of(&self, json: &Value) -> Phone {
        let text = |name: &str| json[name].as_str().unwrap().to_owned();
        Phone { number: text("number"), lid: text("lid"), api: self.api.clone() }
    }

    /// The same phone after a restart of the gateway.
    pub fn same(&self, phone: &Phone) -> Phone {
        Phone { api: self.api.clone(), ..phone.clone() }
    }

    /// A new device of the administrator, linked to a phone and connected; its id.
    pub async fn linked_device(&self, phone: &Phone) -> String {
        let device = self.admin.device("test").await;
        let qr = self.admin.qr(&device).await;
        phone.scan(&qr).await;
        self.admin.device_becomes(&device, "connected").await;
        device
    }
}

/// Shows what the gateway logged when a test fails.
struct LogWhenFailing(PathBuf);

impl Drop for LogWhenFailing {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of the gateway ---\n{}", std::fs::read_to_string(&self.0).unwrap_or_default());
        }
    }
}

fn port_of(url: &str) -> u16 {
    let rest = url.rsplit(':').next().expect("an address with a port");
    rest.split('/').next().and_then(|port| port.parse().ok()).expect("a port")
}

/// A phone of the sandbox, through its control API.
#[derive(Debug, Clone)]
pub struct Phone {
    /// Its number, digits only.
    pub number: String,
    /// Its hidden identity, `…@lid`.
    pub lid: String,
    api: Api,
}

impl Phone {
    /// Scans a QR text.
    pub async fn scan(&self, qr: &str) -> Value {
        let path = format!("/sandbox/phones/{}/scan", self.number);
        self.api.post(&path, json!({"qr": qr})).await.expect(200).json
    }

    /// Sends a text; its id.
    pub async fn send_text(&self, to: &str, text: &str) -> String {
        let path = format!("/sandbox/phones/{}/messages", self.number);
        let body = json!({"to": to, "type": "text", "text": {"body": text}});
        self.api.post(&path, body).await.expect(201).json["id"].as_str().unwrap().to_owned()
    }

    /// All that it sent and received.
    pub async fn messages(&self) -> Vec<Value> {
        let page = self.api.get(&format!("/sandbox/phones/{}/messages", self.number)).await.expect(200);
        page.json["items"].as_array().unwrap().clone()
    }

    /// Waits until it has received a text; the message.
    pub async fn receives(&self, text: &str) -> Value {
        let found = eventually(format!("{text:?} reaches {}", self.number), async || {
            let messages = self.messages().await;
            messages.into_iter().find(|m| m["direction"] == "incoming" && m["text"]["body"] == text)
        });
        found.await
    }

    /// Waits until one of its own messages has a status.
    pub async fn message_becomes(&self, id: &str, status: &str) -> Value {
        let found = eventually(format!("{id} of {} becomes {status}", self.number), async || {
            self.messages().await.into_iter().find(|m| m["id"] == id && m["status"] == status)
        });
        found.await
    }

    /// Loses its Signal sessions with everybody, as after an accident with its storage.
    pub async fn forget_sessions(&self) {
        let path = format!("/sandbox/phones/{}/forget-sessions", self.number);
        self.api.post(&path, json!({})).await.expect(200);
    }

    /// Shows the blue ticks for messages.
    pub async fn read(&self, ids: &[&str]) {
        let path = format!("/sandbox/phones/{}/read", self.number);
        let answer = self.api.post(&path, json!({"ids": ids})).await;
        assert!(answer.status < 300, "{}", answer.json);
    }
}
