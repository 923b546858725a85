//! Leads the process with the protocol library alone (`localstack/examples/library_alone`).

use std::process::Stdio;

use tests::{Gateway, program};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

/// The process, with linked clients.
pub struct Library {
    child: Child,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
}

impl Library {
    /// Starts it and links so many clients to phones of their own.
    pub async fn link(gateway: &Gateway, clients: usize) -> Self {
        let mut child = Command::new(program("examples/library_alone"))
            .args([format!("ws://127.0.0.1:{}/ws/chat", gateway.wa_port), clients.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("it starts");
        let (to, from) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
        let mut library = Self { child, to, from: BufReader::new(from).lines() };
        let mut linked = 0;
        while linked < clients {
            let line = library.line().await;
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["qr", n, qr] => {
                    // Every run has phones of its own: one that has more links costs its senders more.
                    let n: usize = n.parse().expect("a number");
                    gateway.phone_with(format!("62822{clients:04}{n:04}")).await.scan(qr).await;
                }
                ["linked", _] => linked += 1,
                _ => panic!("unexpected: {line}"),
            }
        }
        library
    }

    /// Sends from every client to every number; returns when all are acknowledged.
    pub async fn send(&mut self, per_chat: usize, name: &str, numbers: &[String]) {
        let order = format!("send {per_chat} {name} {}\n", numbers.join(" "));
        self.to.write_all(order.as_bytes()).await.expect("it listens");
        let line = self.line().await;
        assert!(line.starts_with("sent "), "{line}");
    }

    pub fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    async fn line(&mut self) -> String {
        self.from.next_line().await.expect("it can be read").expect("it goes on talking")
    }
}
