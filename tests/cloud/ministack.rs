//! ministack in AWS's place, with permissions enforced, on loopback and with its state in a folder of its own.

use std::{
    fs::File,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::Value;
use tests::{Api, signals::signal, within};
use tokio::process::{Child, Command};

use crate::tools::Tools;

/// A running ministack. It is killed when dropped.
pub struct Ministack {
    pub url: String,
    pub port: u16,
    child: Child,
    log: PathBuf,
}

/// The region of `infra/local.tfvars`.
pub const REGION: &str = "us-east-1";

impl Ministack {
    /// Starts one with an empty state.
    pub async fn start(tools: &Tools, folder: &Path) -> Self {
        let port = free_port();
        for name in ["state", "s3", "tmp"] {
            std::fs::create_dir_all(folder.join(name)).expect("a folder");
        }
        let log = folder.join("ministack.log");
        let output = File::create(&log).expect("a log file");
        let child = Command::new(&tools.ministack)
            // Its default is every address of the machine.
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", port.to_string())
            .env("MINISTACK_REGION", REGION)
            .env("AUTH", "true")
            .env("PERSIST_STATE", "1")
            .env("STATE_DIR", folder.join("state"))
            .env("S3_DATA_DIR", folder.join("s3"))
            .env("TMPDIR", folder.join("tmp"))
            .env("LOG_LEVEL", "INFO")
            .env_remove("AWS_ENDPOINT_URL")
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("a second handle"))
            .stderr(output)
            .kill_on_drop(true)
            .spawn()
            .expect("ministack starts");
        let url = format!("http://127.0.0.1:{port}");
        let ministack = Self { url, port, child, log };
        let api = Api::new(&ministack.url);
        within(Duration::from_secs(60), "ministack is up", async || {
            let asked = api.try_send(api.request(reqwest::Method::GET, "/_ministack/health")).await;
            asked.ok().filter(|answer| answer.status == 200)
        })
        .await;
        ministack
    }

    /// Names of everything that the stack makes, by service: empty lists when nothing is left.
    pub async fn inventory(&self) -> Vec<(&'static str, Vec<String>)> {
        let json = [
            ("tables", "dynamodb", "DynamoDB_20120810.ListTables"),
            ("queues", "sqs", "AmazonSQS.ListQueues"),
            ("log groups", "logs", "Logs_20140328.DescribeLogGroups"),
            ("secrets", "secretsmanager", "secretsmanager.ListSecrets"),
            ("rules", "events", "AWSEvents.ListRules"),
        ];
        let get = [
            ("functions", "lambda", "/2015-03-31/functions/"),
            ("event sources", "lambda", "/2015-03-31/event-source-mappings/"),
            ("APIs", "apigateway", "/v2/apis"),
            ("buckets", "s3", "/"),
            ("roles", "iam", "/?Action=ListRoles&Version=2010-05-08"),
            ("users", "iam", "/?Action=ListUsers&Version=2010-05-08"),
        ];
        let mut found = Vec::new();
        for (what, service, target) in json {
            let request = self.signed(reqwest::Method::POST, "/", service);
            let request =
                request.header("x-amz-target", target).header("content-type", "application/x-amz-json-1.1");
            found.push((what, self.names(request.body("{}")).await));
        }
        for (what, service, path) in get {
            found.push((what, self.names(self.signed(reqwest::Method::GET, path, service)).await));
        }
        found
    }

    /// Calls a function as the console does; its answer.
    pub async fn invoke(&self, function: &str) -> Value {
        let path = format!("/2015-03-31/functions/{function}/invocations");
        let request = self.signed(reqwest::Method::POST, &path, "lambda").body("{}");
        Api::new(&self.url).send(request).await.expect(200).json
    }

    /// A request of the root account. ministack looks whose it is, not whether the signature is right.
    fn signed(&self, method: reqwest::Method, path: &str, service: &str) -> reqwest::RequestBuilder {
        let signature = format!(
            "AWS4-HMAC-SHA256 Credential=test/20260101/{REGION}/{service}/aws4_request, \
             SignedHeaders=host, Signature=00"
        );
        let request = Api::new(&self.url).request(method, path);
        request.header("authorization", signature).header("x-amz-date", "20260101T000000Z")
    }

    /// What of an answer begins with the prefix of `infra/local.tfvars`, in whatever form it is told.
    async fn names(&self, request: reqwest::RequestBuilder) -> Vec<String> {
        let answer = Api::new(&self.url).send(request).await.expect(200);
        let text = String::from_utf8_lossy(&answer.bytes).into_owned();
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
        let mut names: Vec<_> =
            words.filter(|word| word.starts_with("kurir-local-")).map(str::to_owned).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Ends it with all that it has started.
    pub async fn stop(mut self) {
        if let Some(pid) = self.child.id() {
            signal(pid, "TERM").await;
        }
        if tokio::time::timeout(Duration::from_secs(20), self.child.wait()).await.is_err() {
            self.child.kill().await.expect("it can be killed");
        }
    }
}

impl Drop for Ministack {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<_> = log.lines().collect();
            eprintln!(
                "--- end of ministack's log ---\n{}",
                lines[lines.len().saturating_sub(150)..].join("\n")
            );
        }
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound port").port()
}
