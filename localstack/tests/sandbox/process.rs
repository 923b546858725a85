//! The sandbox as it is run: in the gateway's process.

use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, Command},
};

/// The whole gateway as a process of its own.
pub struct Process {
    child: Child,
    pub api: u16,
    pub whatsapp: u16,
}

impl Process {
    /// Port 0 takes a free one.
    pub async fn start(folder: &TempDir, api: u16, whatsapp: u16) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_localstack"))
            .args(["--port", &api.to_string(), "--wa-port", &whatsapp.to_string(), "--data-dir"])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut api, mut whatsapp) = (None, None);
        while let (None, _) | (_, None) = (api, whatsapp) {
            let line = lines.next_line().await.unwrap().expect("the gateway says where it listens");
            api = api.or_else(|| port_after(&line, "http://127.0.0.1:"));
            whatsapp = whatsapp.or_else(|| port_after(&line, "ws://127.0.0.1:"));
        }
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { child, api: api.unwrap(), whatsapp: whatsapp.unwrap() }
    }

    /// `kill -9`, and up again on the same ports.
    pub async fn kill_and_restart(mut self, folder: &TempDir) -> Self {
        self.child.kill().await.unwrap();
        Self::start(folder, self.api, self.whatsapp).await
    }

    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/ws/chat", self.whatsapp)
    }
}

fn port_after(line: &str, start: &str) -> Option<u16> {
    let rest = &line[line.find(start)? + start.len()..];
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// A control call over a connection of its own; `None` when the process is not there to answer.
pub async fn call(api: u16, method: &str, path: &str, body: &Value) -> Option<Value> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let request = format!(
        "{method} /sandbox{path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(("127.0.0.1", api)).await.ok()?;
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut response = String::new();
    stream.read_to_string(&mut response).await.ok()?;
    let (head, body) = response.split_once("\r\n\r\n")?;
    head.contains(" 20").then(|| serde_json::from_str(body).ok())?
}
