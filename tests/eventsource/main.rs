//! `EventSource` as browsers have it, by others, reads event streams: it shows its token in the address, and comes
//! back by itself.

use std::{path::Path, process::Stdio};

use serde_json::Value;
use tests::{Api, Gateway, PATIENCE};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// A page with an event source.
struct Page {
    _child: Child,
    _stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    /// The events that came, each with its id as the event source knows it.
    events: Vec<(String, Value)>,
    opened: usize,
}

impl Page {
    fn open(url: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("eventsource");
        assert!(folder.join("node_modules").exists(), "run tests/run, which installs what {folder:?} needs");
        let mut child = Command::new("node")
            .args(["client.mjs", url])
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("node runs");
        let stdin = child.stdin.take().expect("piped");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { _child: child, _stdin: stdin, lines, events: Vec::new(), opened: 0 }
    }

    /// Reads on until something is so.
    async fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let reading = async {
            while !is_so(self) {
                let line = self.lines.next_line().await.expect("a line").expect("the page is open");
                let line: Value = serde_json::from_str(&line).expect("JSON");
                self.opened += usize::from(line["open"] == true);
                if let Some(kind) = line["type"].as_str() {
                    assert_eq!(kind, line["data"]["type"], "{line}");
                    self.events.push((line["id"].as_str().unwrap().to_owned(), line["data"].clone()));
                }
            }
        };
        tokio::time::timeout(PATIENCE, reading)
            .await
            .unwrap_or_else(|_| panic!("waited in vain for: {what}"));
    }

    fn has_qr_of(&self, device: &str) -> bool {
        self.events.iter().any(|(_, event)| event["type"] == "qr.generated" && event["deviceId"] == device)
    }
}

async fn log_of(caller: &Api) -> Vec<Value> {
    let page = caller.get("/v1/events/history?limit=100").await.expect(200).json;
    page["items"].as_array().unwrap().iter().rev().cloned().collect()
}

#[tokio::test]
async fn a_page_that_loses_its_stream_misses_nothing_and_sees_nothing_twice() {
    let mut gateway = Gateway::start().await;
    let (ani, session) = gateway.api.register("ani@example.com").await;
    gateway.admin.plan(&session["account"], "pro").await;
    let key = ani.post("/v1/api-keys", serde_json::json!({"name": "page"})).await.expect(201).json;
    let key = key["key"].as_str().unwrap();
    let url = format!("http://127.0.0.1:{}/v1/events?token={key}", gateway.port);
    let mut page = Page::open(&url);
    page.until("the stream is open", |page| page.opened == 1).await;
    let first = ani.device("first").await;
    ani.qr(&first).await;
    page.until("the first device's QR code", |page| page.has_qr_of(&first)).await;

    gateway.kill().await;
    let gateway = gateway.again().await;
    let ani = gateway.api.with_key(key);
    // It happens while the page is not there yet, mostly.
    let second = ani.device("second").await;
    ani.qr(&second).await;
    page.until("the stream is open again", |page| page.opened == 2).await;
    page.until("the second device's QR code", |page| page.has_qr_of(&second)).await;
    let log = log_of(&ani).await;
    let seen: Vec<Value> = page.events.iter().map(|(_, event)| event.clone()).collect();
    assert_eq!(seen, log[..seen.len()]);
    assert!(page.events.iter().all(|(id, event)| event["id"] == id.as_str()));
}
